//! The path of an attribute.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::Error;
use crate::error::text_form::TextForm;

/// The path of an attribute, such as `tcpdump` or `python3Packages.requests`: names separated by
/// dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AttributePath(Vec<String>);

impl AttributePath {
    /// A path of these names. A name may contain dots.
    ///
    /// # Errors
    /// [`Error::InvalidText`] if there is no name, or a name is empty or contains a
    /// control character.
    pub fn of_names(names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, Error> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let problem = if names.iter().any(String::is_empty) || names.is_empty() {
            "a name in it is empty"
        } else if names.iter().any(|name| name.contains(char::is_control)) {
            "it contains a control character"
        } else {
            return Ok(Self(names));
        };
        let (form, problem) = (TextForm::AttributePath, problem.to_owned());
        Err(Error::InvalidText { form, text: names.join("."), problem })
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

netboot_core::text_conversions!(AttributePath, Error);

impl FromStr for AttributePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::of_names(text.split('.'))
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.join("."))
    }
}
