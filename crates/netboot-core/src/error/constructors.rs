//! Functions that make errors.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use crate::advice::Advice;
use crate::backend_error::BackendError;
use crate::error::Error;
use crate::name::ProfileName;

/// A value that is valid already. Functions that take a text or such a value need this conversion.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Error {
    /// Creates an [`Error::Io`]. `action` is a verb, such as `read`.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source }
    }

    /// Wraps the error of the backend `builder`, which failed to build `profile`.
    pub fn build(
        builder: impl Into<String>,
        profile: &ProfileName,
        source: impl BackendError,
    ) -> Self {
        let (builder, profile) = (builder.into(), profile.clone());
        Self::Build { builder, profile, advice: Advice::of(&source), source: Box::new(source) }
    }

    /// Wraps the error of the backend `builder`, which failed to list what it can build.
    pub fn listing(builder: impl Into<String>, source: impl BackendError) -> Self {
        let (builder, advice) = (builder.into(), Advice::of(&source));
        Self::Listing { builder, advice, source: Box::new(source) }
    }
}
