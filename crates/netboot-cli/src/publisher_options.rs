//! The options of commands that read or change a target: its pointer and its keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use netboot_core::{PointerName, Report};
use netboot_publish::{
    MinisignKey, PointerMemory, PointerMemoryFile, PublicUrl, Publisher, TrustedKey, TrustedKeys,
};

use crate::error::Error;
use crate::session::Session;

/// The maximum size of a file with a password, in bytes.
const PASSWORD_LIMIT: u64 = 64 * 1024;

/// The options of commands that read a target.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pointer and keys")]
pub(crate) struct ReaderOptions {
    /// The pointer: the channel that machines boot from.
    #[arg(long, value_name = "NAME", default_value_t = PointerName::default())]
    pointer: PointerName,

    /// The file of a public key of minisign whose signatures count. Can be repeated. The default is
    /// the keys of netboot.toml. Without any, releases need no signature, and pointers only that of
    /// the key that signs.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,

    /// The number of keys that must have signed a release. The default is 1.
    #[arg(long, value_name = "NUMBER")]
    threshold: Option<usize>,

    /// A file that remembers pointers, so that nobody can put an older one back unnoticed.
    #[arg(long, value_name = "FILE")]
    pointer_memory: Option<PathBuf>,
}

/// The options of commands that change a target.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pointer and keys")]
pub(crate) struct PublisherOptions {
    #[command(flatten)]
    reader: ReaderOptions,

    /// The file of a secret key of minisign, to sign with. The key of netboot.toml signs as well.
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,

    /// A file with the password of the secret key.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// The number of hours for which a pointer may be trusted after it was written.
    #[arg(long, value_name = "HOURS")]
    pointer_lifetime: Option<u32>,

    /// Replace a pointer that cannot be trusted. Its history ends.
    #[arg(long)]
    replace_untrusted: bool,

    /// Replace files that netboot did not write in the places of a pointer and of entry points.
    #[arg(long)]
    replace_foreign: bool,
}

/// The pointer and the trusted keys of a command that reads targets.
#[derive(Debug, Clone)]
pub(crate) struct ReaderSettings {
    pointer: PointerName,
    trusted_keys: Option<TrustedKeys>,
    memory: Option<Arc<dyn PointerMemory>>,
}

/// The pointer and the keys of a command that changes targets. They are the same at every target.
#[derive(Debug, Clone)]
pub(crate) struct PublisherSettings {
    reader: ReaderSettings,
    signer: Option<Arc<MinisignKey>>,
    pointer_lifetime: Option<Duration>,
    replace_untrusted: bool,
    replace_foreign: bool,
}

impl ReaderOptions {
    /// Reads the files of the options.
    ///
    /// # Errors
    /// If a file cannot be read, or the keys make no sense.
    pub(crate) fn read(&self, session: &Session) -> Result<ReaderSettings, Report> {
        let given = self.keys.iter().map(TrustedKey::read).collect::<Result<Vec<_>, _>>()?;
        let configuration = session.configuration()?;
        let known = if given.is_empty() { configuration.trusted_keys()? } else { None };
        let trusted_keys = match (known, self.threshold) {
            (Some(keys), None) => Some(keys),
            (Some(keys), Some(threshold)) => Some(keys.with_threshold(threshold)?),
            (None, None) if given.is_empty() => None,
            (None, threshold) => {
                Some(TrustedKeys::new(given)?.with_threshold(threshold.unwrap_or(1))?)
            }
        };
        let memory = match &self.pointer_memory {
            Some(path) => Some(open_memory(path, session)?),
            None => None,
        };
        Ok(ReaderSettings { pointer: self.pointer.clone(), trusted_keys, memory })
    }
}

impl PublisherOptions {
    /// Reads the files of the options. A command does this before it works, so that a wrong
    /// password ends it at once.
    ///
    /// # Errors
    /// If a file cannot be read, or the keys make no sense.
    pub(crate) fn read(&self, session: &Session) -> Result<PublisherSettings, Report> {
        let reader = self.reader.read(session)?;
        let password = match &self.password_file {
            Some(path) => Some(netboot_core::read_regular_text(path, PASSWORD_LIMIT)?),
            None => None,
        };
        let password = password.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
        let signer = match &self.sign {
            Some(path) => Some(Arc::new(MinisignKey::read(path, password)?)),
            None => None,
        };
        let hours = |hours| Duration::from_secs(3600) * hours;
        Ok(PublisherSettings {
            reader,
            signer,
            pointer_lifetime: self.pointer_lifetime.map(hours),
            replace_untrusted: self.replace_untrusted,
            replace_foreign: self.replace_foreign,
        })
    }
}

impl ReaderSettings {
    /// Gives a publisher the pointer and the trusted keys.
    pub(crate) fn apply(&self, publisher: Publisher) -> Publisher {
        let Ok(mut publisher) = publisher.with_pointer(self.pointer.clone());
        if let Some(keys) = &self.trusted_keys {
            publisher = publisher.with_trusted_keys(keys.clone());
        }
        if let Some(memory) = &self.memory {
            publisher = publisher.with_pointer_memory(memory.clone());
        }
        publisher
    }

    /// Gives a URL the pointer and the trusted keys.
    pub(crate) fn apply_to_url(&self, url: PublicUrl) -> PublicUrl {
        let Ok(mut url) = url.with_pointer(self.pointer.clone());
        if let Some(keys) = &self.trusted_keys {
            url = url.with_trusted_keys(keys.clone());
        }
        if let Some(memory) = &self.memory {
            url = url.with_pointer_memory(memory.clone());
        }
        url
    }
}

impl PublisherSettings {
    /// The part that commands which read a target use.
    pub(crate) fn reader(&self) -> &ReaderSettings {
        &self.reader
    }

    /// Checks that there is a key to sign with, here or in netboot.toml.
    ///
    /// # Errors
    /// [`Error::NoSigner`]; the errors of the configuration.
    pub(crate) fn require_signer(&self, session: &Session) -> Result<(), Error> {
        let signing = session.configuration()?.signing.as_ref();
        let signs = self.signer.is_some() || signing.is_some_and(|it| it.key_file.is_some());
        if signs { Ok(()) } else { Err(Error::NoSigner) }
    }

    /// The pointer.
    pub(crate) fn pointer(&self) -> &PointerName {
        &self.reader.pointer
    }

    /// Gives a publisher the pointer and the keys.
    pub(crate) fn apply(&self, publisher: Publisher) -> Publisher {
        let mut publisher = self.reader.apply(publisher);
        if self.replace_untrusted {
            publisher = publisher.with_replace_untrusted(true);
        }
        if self.replace_foreign {
            publisher = publisher.with_replace_foreign(true);
        }
        if let Some(signer) = &self.signer {
            publisher = publisher.with_signer(signer.clone());
        }
        if let Some(lifetime) = self.pointer_lifetime {
            publisher = publisher.with_pointer_lifetime(lifetime);
        }
        publisher
    }
}

/// Opens the memory of pointers, and says if a damaged one was set aside.
fn open_memory(path: &Path, session: &Session) -> Result<Arc<dyn PointerMemory>, Report> {
    let memory = PointerMemoryFile::open(path)?;
    if let Some(damaged) = memory.set_aside() {
        let damaged = damaged.display();
        session.progress.line(&format!(
            "warning: the memory of pointers was damaged and begins anew; it is now `{damaged}`"
        ));
    }
    Ok(Arc::new(memory))
}
