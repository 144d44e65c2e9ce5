//! The names of store paths.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::Error;
use crate::sha256::BASE32_DIGITS;

/// The directory of the store. Nix can be compiled with another one; NixOS has this one.
const STORE_DIRECTORY: &str = "/nix/store/";

/// The length of the digest in front of a name.
const DIGEST_LENGTH: usize = 32;

/// The greatest length of a name (`StorePath::MaxPathLen` in Nix's `src/libstore/path.hh`).
const NAME_LENGTH: usize = 211;

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
    /// Reads the last part of a store path, such as `s66mzxpvicwk07gjbjfw9izjfa797vsw-hello`.
    ///
    /// # Errors
    /// [`Error::StorePath`].
    pub fn from_base_name(base_name: &str) -> Result<Self, Error> {
        let malformed = || Error::StorePath { text: base_name.chars().take(300).collect() };
        let (digest, name) = base_name.split_at_checked(DIGEST_LENGTH).ok_or_else(malformed)?;
        let name = name.strip_prefix('-').ok_or_else(malformed)?;
        let is_digest = digest.bytes().all(|byte| BASE32_DIGITS.contains(&byte));
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._?=".contains(&byte);
        let is_name = (1..=NAME_LENGTH).contains(&name.len())
            && name.bytes().all(is_allowed)
            && !name.starts_with('.');
        if is_digest && is_name { Ok(Self(base_name.to_owned())) } else { Err(malformed()) }
    }

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

impl FromStr for StorePath {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let base_name = text.strip_prefix(STORE_DIRECTORY);
        let malformed = || Error::StorePath { text: text.chars().take(300).collect() };
        Self::from_base_name(base_name.ok_or_else(malformed)?)
    }
}

/// Writes the whole path.
impl fmt::Display for StorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE_DIRECTORY}{}", self.0)
    }
}
