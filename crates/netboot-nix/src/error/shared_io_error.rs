//! An I/O error that several results share.

use std::io;

/// A file error that several profiles can fail of.
#[derive(Debug, Clone)]
pub struct SharedIoError(std::sync::Arc<io::Error>);

impl std::fmt::Display for SharedIoError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SharedIoError {}

impl From<io::Error> for SharedIoError {
    fn from(error: io::Error) -> Self {
        Self(std::sync::Arc::new(error))
    }
}
