//! A failure as an operator sees it: what happened, why, and what to do.

use std::fmt;

use netboot_core::BackendError;

/// An error of the Netboot crates or of an example program, with its remedy.
#[derive(Debug)]
pub struct Failure(Box<dyn BackendError>);

impl Failure {
    /// A failure of the example program itself.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        OwnError { message: message.into(), hint: hint.into() }.into()
    }
}

/// The error, each of its causes on its own line, and the remedy.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.in_full())
    }
}

impl<E: BackendError> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// An error that an example program detects.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct OwnError {
    message: String,
    hint: String,
}

impl BackendError for OwnError {
    fn hint(&self) -> Option<String> {
        Some(self.hint.clone())
    }
}
