//! The key that chooses an item of a menu.

use std::fmt;

use crate::error::Error;

/// A key that chooses an item of a menu: a digit or a lower-case letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MenuKey(char);

impl MenuKey {
    /// Validates `key`.
    ///
    /// # Errors
    /// [`Error::InvalidMenuKey`].
    pub fn new(key: char) -> Result<Self, Error> {
        if key.is_ascii_lowercase() || key.is_ascii_digit() {
            Ok(Self(key))
        } else {
            Err(Error::InvalidMenuKey { key })
        }
    }

    /// The key.
    pub fn as_char(self) -> char {
        self.0
    }
}

impl fmt::Display for MenuKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
