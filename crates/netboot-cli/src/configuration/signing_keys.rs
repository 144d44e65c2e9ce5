//! The keys of `[signing]`, read from their files.

use std::path::Path;
use std::time::Duration;

use netboot_core::read_regular_text;
use netboot_publish::{MinisignKey, Publisher, Signer, TrustedKey, TrustedKeys};

use super::problem::Problem;
use super::signing::SigningSection;
use crate::error::Error;

/// The maximum size of a file with a password, in bytes.
const PASSWORD_LIMIT: u64 = 64 * 1024;

/// The keys of `[signing]`. With them, machines get an image only from a release that enough
/// trusted keys signed, and only while a trusted pointer names it.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    signer: Option<MinisignKey>,
    trusted_keys: TrustedKeys,
    pointer_lifetime: Option<Duration>,
    replace_untrusted: bool,
}

impl SigningKeys {
    /// Gives a publisher the keys.
    #[must_use]
    pub fn apply(&self, publisher: Publisher) -> Publisher {
        let mut publisher = publisher
            .with_trusted_keys(self.trusted_keys.clone())
            .with_replace_untrusted(self.replace_untrusted);
        if let Some(signer) = &self.signer {
            publisher = publisher.with_signer(signer.clone());
        }
        if let Some(lifetime) = self.pointer_lifetime {
            publisher = publisher.with_pointer_lifetime(lifetime);
        }
        publisher
    }

    /// The keys whose signatures count.
    pub fn trusted_keys(&self) -> &TrustedKeys {
        &self.trusted_keys
    }

    /// The secret key; `None` if nothing is signed.
    pub fn signer(&self) -> Option<&MinisignKey> {
        self.signer.as_ref()
    }

    /// The time for which a pointer counts; `None` if it counts for ever.
    pub fn pointer_lifetime(&self) -> Option<Duration> {
        self.pointer_lifetime
    }

    /// True if pointers that nobody trusted signed are replaced.
    pub fn replaces_untrusted(&self) -> bool {
        self.replace_untrusted
    }
}

impl SigningSection {
    /// Reads the files of the keys; `file` is the configuration, for messages.
    pub(crate) fn read(&self, file: &Path) -> Result<SigningKeys, Error> {
        self.keys().map_err(|problem| problem.in_file(file))
    }

    /// Like [`read`](Self::read), without the secret key.
    pub(crate) fn read_public(&self, file: &Path) -> Result<SigningKeys, Error> {
        self.public_keys().map_err(|problem| problem.in_file(file))
    }

    fn keys(&self) -> Result<SigningKeys, Problem> {
        let signer = self.signer()?;
        let own = signer.as_ref().map(|signer| signer.public_key().clone());
        let mut keys = self.parse_trusted()?;
        if keys.is_empty() {
            keys.extend(own.clone());
        }
        if own.is_some_and(|own| !keys.contains(&own)) {
            let problem = "the key of key-file is not among them";
            let hint = "add its public key: nobody would trust what it signs";
            return Err(Problem::new("signing.trusted-keys", problem, hint));
        }
        self.with(signer, keys)
    }

    /// The keys without the secret key, whose file is read only if nothing else names its public
    /// key. Somebody who only reads a target may not be allowed to read the secret key.
    fn public_keys(&self) -> Result<SigningKeys, Problem> {
        if self.trusted_keys.is_empty() {
            return Ok(SigningKeys { signer: None, ..self.keys()? });
        }
        self.with(None, self.parse_trusted()?)
    }

    fn with(
        &self,
        signer: Option<MinisignKey>,
        keys: Vec<TrustedKey>,
    ) -> Result<SigningKeys, Problem> {
        if keys.is_empty() {
            return Err(self.without_keys());
        }
        let trusted_keys = TrustedKeys::new(keys)
            .map_err(|error| Problem::of("signing.trusted-keys", &error, error.hint()))?
            .with_threshold(self.threshold)
            .map_err(|error| Problem::of("signing.threshold", &error, error.hint()))?;
        if self.pointer_lifetime_hours == Some(0) {
            let hint = "write how long machines may boot while nobody renews the pointer, such as \
                        168 for a week, or remove the key";
            let problem = "every pointer would be too old at once";
            return Err(Problem::new("signing.pointer-lifetime-hours", problem, hint));
        }
        let hours = |hours| Duration::from_secs(60 * 60) * hours;
        Ok(SigningKeys {
            signer,
            trusted_keys,
            pointer_lifetime: self.pointer_lifetime_hours.map(hours),
            replace_untrusted: self.replace_untrusted,
        })
    }

    /// The problem of a section that names no key, at a key that the file has.
    fn without_keys(&self) -> Problem {
        let key = match self {
            Self { threshold, .. } if *threshold != 1 => "signing.threshold",
            Self { pointer_lifetime_hours: Some(_), .. } => "signing.pointer-lifetime-hours",
            Self { replace_untrusted: true, .. } => "signing.replace-untrusted",
            _ => "signing",
        };
        let hint = "name the secret key with key-file, or the public keys with trusted-keys";
        Problem::new(key, "there is no key for it", hint)
    }

    fn parse_trusted(&self) -> Result<Vec<TrustedKey>, Problem> {
        let of = |error: netboot_publish::Error| {
            Problem::of("signing.trusted-keys", &error, error.hint())
        };
        self.trusted_keys.iter().map(|key| TrustedKey::parse(key).map_err(of)).collect()
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
        let password = self.password_file.as_deref().map(read_password).transpose()?;
        let password = password.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
        let key = MinisignKey::read(path, password);
        key.map(Some).map_err(|error| Problem::of("signing.key-file", &error, error.hint()))
    }
}

fn read_password(path: &Path) -> Result<String, Problem> {
    let text = read_regular_text(path, PASSWORD_LIMIT);
    text.map_err(|error| Problem::of("signing.password-file", &error, error.hint()))
}
