//! A failure as an operator sees it: what happened, why, and what to do.

use std::fmt;

use netboot_core::BackendError;

/// An error of the Netboot crates or of this program, with its remedy.
#[derive(Debug)]
pub(crate) struct Report(Box<dyn BackendError>);

impl Report {
    /// A failure of the program itself.
    pub(crate) fn message(message: impl Into<String>, hint: impl Into<String>) -> Self {
        OwnError { message: message.into(), hint: hint.into() }.into()
    }

    /// The remedy.
    pub(crate) fn hint(&self) -> Option<String> {
        self.0.hint()
    }

    /// The error, each of its causes, and the remedy, on a line each.
    pub(crate) fn in_full(&self) -> String {
        self.0.in_full()
    }

    /// The error.
    pub(crate) fn error(&self) -> &dyn BackendError {
        &*self.0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: BackendError> From<E> for Report {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

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
