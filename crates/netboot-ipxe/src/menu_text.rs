//! Texts that iPXE shows to people.

use std::fmt;

use ipxe_script::lexical::{self, LexicalProblem};
use netboot_core::Title;
use serde::Serialize;

use crate::error::{Error, ValueKind};

/// A text that iPXE shows in a menu or prints with `echo`, exactly as it was typed.
///
/// ```
/// use netboot_ipxe::MenuText;
///
/// assert!(MenuText::new("Worker (rack #7)").is_err()); // iPXE would drop all from `#7)` on
/// assert!(MenuText::new("Worker (rack no. 7)").is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct MenuText(String);

impl MenuText {
    /// Validates `text`.
    ///
    /// # Errors
    /// [`Error::Unprintable`] if iPXE would show something else.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let option = if text.starts_with('-') { Err(LexicalProblem::Option) } else { Ok(()) };
        match lexical::check(&text).and(option) {
            Ok(()) => Ok(Self(text)),
            Err(problem) => Err(Error::unprintable(ValueKind::MenuText, &text, problem)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&Title> for MenuText {
    type Error = Error;
    fn try_from(title: &Title) -> Result<Self, Error> {
        Self::new(title.as_str())
    }
}

impl fmt::Display for MenuText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
