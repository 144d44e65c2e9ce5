//! A failure as an operator sees it: what happened, why, and what to do.

use std::error::Error;
use std::fmt::Write as _;

use netboot_core::BackendError;

/// An error of the Netboot crates or of an example program, with its remedy.
#[derive(Debug)]
pub struct Failure {
    error: Box<dyn Error + Send + Sync>,
    hint: Option<String>,
}

impl Failure {
    /// A failure of the example program itself.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { error: message.into().into(), hint: Some(hint.into()) }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&describe(self.error.as_ref(), self.hint.as_deref()))
    }
}

impl<E: BackendError> From<E> for Failure {
    fn from(error: E) -> Self {
        let hint = error.hint();
        Self { error: Box::new(error), hint }
    }
}

/// The error, each cause below it on a line of its own, and the remedy last.
pub fn describe(error: &(dyn Error + 'static), hint: Option<&str>) -> String {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  because: {}", indented(&error.to_string()));
        cause = error.source();
    }
    if let Some(hint) = hint {
        let _ = write!(text, "\n  what to do: {}", indented(hint));
    }
    text
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}
