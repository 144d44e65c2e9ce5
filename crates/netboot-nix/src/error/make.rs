//! Errors from what is known where they happen.

use std::io;
use std::path::{Path, PathBuf};

use super::Error;

impl Error {
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source: source.into() }
    }

    /// The same of a program that worked on a build with this log.
    pub(crate) fn with_build_log(mut self, log: PathBuf) -> Self {
        if let Self::CommandFailed { build_log, .. } = &mut self {
            *build_log = Some(log);
        }
        self
    }

    /// A value that the crates' common vocabulary refuses.
    pub(crate) fn unusable(attribute: String, error: &netboot_core::InvalidValue) -> Self {
        Self::UnusableValue { attribute, problem: error.to_string() }
    }
}
