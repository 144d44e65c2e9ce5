//! The label of the disk cache's file system.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// The rule for a label, as a noun.
pub(crate) const LABEL_RULE: &str = "a label of 1 to 64 letters, digits, `-`, `_` and `.` that \
                                     begins with a letter or a digit";

/// The label of the file system with the disk cache.
///
/// It has 1 to 64 letters, digits, `-`, `_` and `.`, and begins with a letter or a digit. So it is
/// also a file name below `/dev/disk/by-label`. Ext4 allows 16 characters, and XFS 12.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheLabel(String);

impl CacheLabel {
    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The label `netboot-cache`.
impl Default for CacheLabel {
    fn default() -> Self {
        Self("netboot-cache".to_owned())
    }
}

impl FromStr for CacheLabel {
    type Err = Error;

    /// # Errors
    /// [`Error::BootParameter`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let is_label = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let malformed = || Error::boot_parameter(text, LABEL_RULE);
        if is_label { Ok(Self(text.to_owned())) } else { Err(malformed()) }
    }
}

impl fmt::Display for CacheLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
