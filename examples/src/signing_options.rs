//! The options of programs that sign.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use netboot_publish::{Error, MinisignKey, PointerMemoryFile, Publisher, TrustedKey, TrustedKeys};

/// The keys of a publisher.
#[derive(Debug, Args)]
pub struct SigningOptions {
    /// The file of a secret key of minisign, to sign with.
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,

    /// A file with the password of the secret key.
    #[arg(long, value_name = "FILE", requires = "sign_key")]
    password_file: Option<PathBuf>,

    /// The file of a public key of minisign whose signatures count. Can be repeated. The default is
    /// the key that signs.
    #[arg(long = "key", value_name = "FILE")]
    keys: Vec<PathBuf>,

    /// The number of keys that must have signed a release.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    threshold: usize,

    /// A file that remembers pointers, so that nobody can put an older one back unnoticed.
    #[arg(long, value_name = "FILE")]
    pointer_memory: Option<PathBuf>,

    /// The number of hours for which a pointer may be trusted after it was written.
    #[arg(long, value_name = "HOURS")]
    pointer_lifetime: Option<u32>,

    /// Replace a pointer that cannot be trusted. Its history ends.
    #[arg(long)]
    replace_untrusted: bool,
}

impl SigningOptions {
    /// Gives a publisher the keys.
    ///
    /// # Errors
    /// If a file cannot be read, or the keys make no sense.
    pub fn apply(&self, publisher: Publisher) -> Result<Publisher, Error> {
        let mut publisher = publisher.with_replace_untrusted(self.replace_untrusted);
        if let Some(path) = &self.sign_key {
            let password = match &self.password_file {
                Some(path) => Some(
                    fs::read_to_string(path).map_err(|source| Error::io("read", path, source))?,
                ),
                None => None,
            };
            let password = password.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
            publisher = publisher.with_signer(MinisignKey::read(path, password)?);
        }
        if !self.keys.is_empty() {
            let keys = self.keys.iter().map(TrustedKey::read).collect::<Result<Vec<_>, _>>()?;
            let keys = TrustedKeys::new(keys)?.with_threshold(self.threshold)?;
            publisher = publisher.with_trusted_keys(keys);
        }
        if let Some(path) = &self.pointer_memory {
            publisher = publisher.with_pointer_memory(Arc::new(PointerMemoryFile::open(path)?));
        }
        if let Some(hours) = self.pointer_lifetime {
            publisher = publisher.with_pointer_lifetime(Duration::from_secs(3600) * hours);
        }
        Ok(publisher)
    }
}
