//! The keys that a publisher to a target gets.

use std::path::PathBuf;

use crate::configuration::signing::SigningSection;
use crate::configuration::signing_keys::SigningKeys;
use crate::error::Error;

/// The table `[signing]`, and the file that has it.
#[derive(Debug, Clone)]
pub(super) struct Signing {
    pub(super) section: SigningSection,
    pub(super) file: PathBuf,
}

impl Signing {
    /// Reads the keys.
    pub(super) fn keys(&self) -> Result<SigningKeys, Error> {
        self.section.read(&self.file)
    }

    /// Reads the keys without the secret key.
    pub(super) fn public_keys(&self) -> Result<SigningKeys, Error> {
        self.section.read_public(&self.file)
    }
}
