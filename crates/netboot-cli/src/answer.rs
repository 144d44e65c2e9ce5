//! The answer of a command: a text for people, and an object for programs.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// The work failed.
pub(crate) const FAILED: u8 = 1;

/// The command line or `netboot.toml` is wrong.
pub(crate) const USAGE: u8 = 2;

/// A check that was done, and found something: damage, a mistake in a script, an image over its
/// budget, a machine that did not come up.
pub(crate) const FOUND: u8 = 3;

/// The answer of a command, which goes to standard output.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    json: Value,
    exit_code: u8,
}

impl Answer {
    /// An answer in two forms. The object is what `--json` prints.
    pub(crate) fn new(text: impl fmt::Display, object: impl Serialize) -> Self {
        // Only a map whose keys are no text cannot be an object, and no answer has one.
        let json = serde_json::to_value(object).unwrap_or(Value::Null);
        Self { text: text.to_string(), json, exit_code: 0 }
    }

    /// Sets the exit code. Default: 0.
    pub(crate) fn with_exit_code(mut self, exit_code: u8) -> Self {
        self.exit_code = exit_code;
        self
    }

    /// The exit code of the program.
    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// The text or the object, with a line feed at the end unless it is empty.
    pub(crate) fn shown(&self, as_json: bool) -> String {
        let mut shown = if as_json { format!("{:#}", self.json) } else { self.text.clone() };
        if !shown.is_empty() && !shown.ends_with('\n') {
            shown.push('\n');
        }
        shown
    }
}
