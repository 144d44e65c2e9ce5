//! Reading the name of a store path.

use std::str::FromStr;

use crate::error::Error;
use crate::sha256::BASE32_DIGITS;
use crate::store_path::{DIGEST_LENGTH, STORE_DIRECTORY, StorePath};

/// The greatest length of a name (`StorePath::MaxPathLen` in Nix's `src/libstore/path.hh`).
const NAME_LENGTH: usize = 211;

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
}

impl FromStr for StorePath {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let base_name =
            text.strip_prefix(STORE_DIRECTORY).and_then(|below| below.strip_prefix('/'));
        let malformed = || Error::StorePath { text: text.chars().take(300).collect() };
        Self::from_base_name(base_name.ok_or_else(malformed)?)
    }
}
