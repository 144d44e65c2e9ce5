//! A problem with the value of a key.

use std::error::Error as StdError;
use std::fmt::Write;
use std::path::Path;

use crate::error::Error;

/// A problem with the value of a key, without the file that has it.
#[derive(Debug)]
pub(super) struct Problem {
    key: String,
    text: String,
    hint: Option<String>,
}

impl Problem {
    /// A problem that this crate found.
    pub(super) fn new(
        key: impl Into<String>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), text: problem.into(), hint: Some(hint.into()) }
    }

    /// A problem that another crate found, with its causes.
    pub(super) fn of(
        key: impl Into<String>,
        error: &(dyn StdError + 'static),
        hint: Option<String>,
    ) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // A string takes all text.
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        Self { key: key.into(), text, hint }
    }

    /// The error of a configuration that was read from this file.
    pub(super) fn in_file(self, file: &Path) -> Error {
        let file = file.to_owned();
        Error::InvalidConfiguration { file, key: self.key, problem: self.text, hint: self.hint }
    }
}
