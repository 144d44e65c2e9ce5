//! The URL of a Nix store.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::redaction::without_credentials;

/// The URL of a Nix store: `ssh-ng://host`, `https://cache.example.org`, `file:///srv/cache`,
/// `daemon`, or the absolute path of a chroot store.
///
/// `Debug` and `Display` show no credentials.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreUrl(String);

impl StoreUrl {
    /// The URL, including credentials.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

netboot_core::text_conversions!(StoreUrl, Error);

impl FromStr for StoreUrl {
    type Err = Error;

    /// # Errors
    /// [`Error::InvalidOption`] for a text that Nix would read as an option, as several URLs, or as
    /// the start of a comment.
    fn from_str(text: &str) -> Result<Self, Error> {
        let problem = if text.is_empty() {
            "it is empty"
        } else if text.starts_with('-') {
            "it starts with a hyphen, as options do"
        } else if let Some(odd) =
            text.chars().find(|c| !c.is_ascii_graphic() || "#;\"'".contains(*c))
        {
            match odd {
                '#' | ';' | '"' | '\'' => "it contains a character that ends a setting of Nix",
                _ => "it contains white space, a control character or a character outside ASCII",
            }
        } else {
            return Ok(Self(text.to_owned()));
        };
        let option = format!("the store {:?}", without_credentials(text));
        Err(Error::InvalidOption { option, problem })
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&without_credentials(&self.0))
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}
