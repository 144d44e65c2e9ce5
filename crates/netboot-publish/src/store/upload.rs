//! An artifact on its way to a target.

use std::fmt;
use std::sync::Arc;

use netboot_core::{Artifact, Content, Context, Event, Phase, ReleasePath, Unit};

use crate::error::Error;

/// An artifact and the path to send it to.
#[derive(Debug, Clone)]
pub struct Upload {
    path: ReleasePath,
    artifact: Arc<dyn Artifact>,
    subject: String,
}

impl Upload {
    /// An upload of `artifact` to `path`.
    pub fn new(path: ReleasePath, artifact: impl Artifact + 'static) -> Self {
        let subject = path.to_string();
        Self { path, artifact: Arc::new(artifact), subject }
    }

    /// Sets the name that progress events show instead of the path.
    #[must_use]
    pub fn with_subject(mut self, subject: impl fmt::Display) -> Self {
        self.subject = subject.to_string();
        self
    }

    /// The path below the root of the target.
    pub fn path(&self) -> &ReleasePath {
        &self.path
    }

    /// The artifact.
    pub fn artifact(&self) -> &Arc<dyn Artifact> {
        &self.artifact
    }

    /// The size and digest of the artifact.
    pub fn content(&self) -> Content {
        Content::of(self.artifact.as_ref())
    }

    /// Fails unless `found` is the size and digest of the artifact.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`].
    pub fn check(&self, found: Content) -> Result<(), Error> {
        let expected = self.content();
        if found == expected {
            return Ok(());
        }
        let (expected, found) = (Box::new(expected), Box::new(found));
        Err(Error::DigestMismatch { path: self.path.clone(), expected, found })
    }

    /// Reports that `done` bytes have been sent.
    pub fn progress(&self, done: u64, context: &Context) {
        context.emit(Event::Progress {
            phase: Phase::Staging,
            profile: None,
            subject: self.subject.clone(),
            done,
            total: Some(self.artifact.size()),
            unit: Unit::Bytes,
        });
    }
}
