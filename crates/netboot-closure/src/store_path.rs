//! The names of store paths.

mod parse;

use std::fmt;
use std::path::PathBuf;

/// The directory of the store. Nix can be compiled with another one; NixOS has this one.
pub(crate) const STORE_DIRECTORY: &str = "/nix/store";

/// The length of the digest in front of a name.
const DIGEST_LENGTH: usize = 32;

/// A store path, such as `/nix/store/s66mzxpvicwk07gjbjfw9izjfa797vsw-hello-2.12.1`.
///
/// It is a direct child of `/nix/store`, and its name has only characters that Nix allows
/// (`checkName` in Nix's `src/libstore/path.cc`). So it cannot lead out of the store.
///
/// ```
/// use netboot_closure::StorePath;
///
/// let path: StorePath = "/nix/store/s66mzxpvicwk07gjbjfw9izjfa797vsw-hello-2.12.1".parse()?;
/// assert_eq!(path.name(), "hello-2.12.1");
/// assert!("/nix/store/s66mzxpvicwk07gjbjfw9izjfa797vsw-a/../b".parse::<StorePath>().is_err());
/// # Ok::<(), netboot_closure::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorePath(String);

impl StorePath {
    /// The last part of the path.
    pub fn base_name(&self) -> &str {
        &self.0
    }

    /// The digest at the start of the last part.
    pub fn digest(&self) -> &str {
        &self.0[..DIGEST_LENGTH]
    }

    /// The name after the digest.
    pub fn name(&self) -> &str {
        &self.0[DIGEST_LENGTH + 1..]
    }

    /// The whole path.
    pub fn to_path(&self) -> PathBuf {
        self.to_string().into()
    }
}

/// Writes the whole path.
impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE_DIRECTORY}/{}", self.0)
    }
}
