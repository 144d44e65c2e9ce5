//! The table `[signing]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The table `[signing]`: who signs releases and pointers, and whose signatures count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct SigningSection {
    /// The file of minisign's secret key to sign with. Without it, nothing is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The file with the password of the secret key. Without it, the key has no password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The public keys whose signatures count: the second line of minisign's `.pub` files. The
    /// default is the public key of `key-file`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_keys: Vec<String>,
    /// The number of trusted keys that have to sign a release.
    pub threshold: usize,
    /// The time in hours for which a pointer counts. Without it, a pointer counts for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer_lifetime_hours: Option<u32>,
    /// True to replace a pointer that nobody trusted signed: once, to sign a target's pointer for
    /// the first time, or to recover after an attack. Its history ends.
    pub replace_untrusted: bool,
}

impl Default for SigningSection {
    fn default() -> Self {
        Self {
            key_file: None,
            password_file: None,
            trusted_keys: Vec::new(),
            threshold: 1,
            pointer_lifetime_hours: None,
            replace_untrusted: false,
        }
    }
}
