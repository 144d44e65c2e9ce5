//! The section `[signing]`: who signs releases and pointers, and whose signatures count.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netboot_publish::{MinisignKey, PointerMemory, Publisher, Signer, TrustedKey, TrustedKeys};
use serde::Deserialize;

use super::error::Problem;

/// The keys of this service. With them, machines get an image only from a release that enough
/// trusted keys signed, and only while a trusted pointer names it.
#[derive(Debug, Clone)]
pub(crate) struct Signing {
    signer: Option<MinisignKey>,
    trusted_keys: TrustedKeys,
    pointer_lifetime: Option<Duration>,
    replace_untrusted: bool,
}

/// The section `[signing]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct SigningSection {
    key_file: Option<PathBuf>,
    password_file: Option<PathBuf>,
    #[serde(default)]
    trusted_keys: Vec<String>,
    #[serde(default = "one")]
    threshold: usize,
    pointer_lifetime_hours: Option<u32>,
    #[serde(default)]
    replace_untrusted: bool,
}

fn one() -> usize {
    1
}

impl SigningSection {
    /// Reads the key files.
    pub(super) fn check(self) -> Result<Signing, Problem> {
        let signer = self.signer()?;
        let of = |error: netboot_publish::Error| {
            Problem::of("signing.trusted-keys", &error, error.hint())
        };
        let mut keys: Vec<TrustedKey> = self
            .trusted_keys
            .iter()
            .map(|key| TrustedKey::parse(key))
            .collect::<Result<_, _>>()
            .map_err(of)?;
        let own = signer.as_ref().map(|signer| signer.public_key().clone());
        if keys.is_empty() {
            keys.extend(own.clone());
        }
        if own.is_some_and(|own| !keys.contains(&own)) {
            let problem = "the key of key-file is not among them";
            let hint = "add its public key: nobody would trust what this service publishes";
            return Err(Problem::new("signing.trusted-keys", problem, hint));
        }
        let trusted_keys = TrustedKeys::new(keys).map_err(of)?;
        let trusted_keys = trusted_keys
            .with_threshold(self.threshold)
            .map_err(|error| Problem::of("signing.threshold", &error, error.hint()))?;
        if self.pointer_lifetime_hours == Some(0) {
            let hint = "write how long machines may boot while nobody renews the pointer, such as \
                        168 for a week, or remove the key";
            let problem = "every pointer would be too old at once";
            return Err(Problem::new("signing.pointer-lifetime-hours", problem, hint));
        }
        let hours = |hours| Duration::from_secs(60 * 60) * hours;
        Ok(Signing {
            signer,
            trusted_keys,
            pointer_lifetime: self.pointer_lifetime_hours.map(hours),
            replace_untrusted: self.replace_untrusted,
        })
    }

    fn signer(&self) -> Result<Option<MinisignKey>, Problem> {
        let Some(path) = &self.key_file else {
            return match &self.password_file {
                Some(_) => {
                    let hint = "name the secret key with key-file";
                    Err(Problem::new("signing.password-file", "there is no key for it", hint))
                }
                None => Ok(None),
            };
        };
        let password = self.password_file.as_ref().map(std::fs::read_to_string).transpose();
        let password = password.map_err(|error| {
            let hint = Some("let this user read the file".to_owned());
            Problem::of("signing.password-file", &error, hint)
        })?;
        let password = password.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
        let key = MinisignKey::read(path, password);
        key.map(Some).map_err(|error| Problem::of("signing.key-file", &error, error.hint()))
    }
}

impl Signing {
    /// Gives a publisher the keys.
    pub(crate) fn apply(&self, publisher: Publisher, memory: Option<&Memory>) -> Publisher {
        let mut publisher = publisher
            .with_trusted_keys(self.trusted_keys.clone())
            .with_replace_untrusted(self.replace_untrusted);
        if let Some(signer) = &self.signer {
            publisher = publisher.with_signer(signer.clone());
        }
        if let Some(lifetime) = self.pointer_lifetime {
            publisher = publisher.with_pointer_lifetime(lifetime);
        }
        match memory {
            Some(memory) => publisher.with_pointer_memory(memory.clone()),
            None => publisher,
        }
    }

    /// True if this service replaces pointers that it cannot trust.
    pub(crate) fn replaces_untrusted(&self) -> bool {
        self.replace_untrusted
    }

    /// The interval at which pointers are renewed; `None` if this service does not.
    pub(crate) fn renewal(&self) -> Option<Duration> {
        self.signer.as_ref()?;
        Some(self.pointer_lifetime? / 4)
    }
}

/// The memory of pointers that all publishers share.
pub(crate) type Memory = Arc<dyn PointerMemory>;
