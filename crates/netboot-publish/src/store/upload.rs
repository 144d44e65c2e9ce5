//! An artifact on its way to a target.

use std::fmt;
use std::sync::Arc;

use netboot_core::{Artifact, Content, Context, Event, Phase, ReleasePath, Unit};

/// An artifact and the place it is to be sent to.
#[derive(Debug, Clone)]
pub struct Upload {
    path: ReleasePath,
    artifact: Arc<dyn Artifact>,
    subject: String,
}

impl Upload {
    /// An upload of `artifact` to `path`.
    pub fn new(path: ReleasePath, artifact: Arc<dyn Artifact>) -> Self {
        let subject = path.to_string();
        Self { path, artifact, subject }
    }

    /// The same under a name that tells people more than the path, for progress.
    #[must_use]
    pub fn with_subject(mut self, subject: impl fmt::Display) -> Self {
        self.subject = subject.to_string();
        self
    }

    /// Where it goes, below the root of the target.
    pub fn path(&self) -> &ReleasePath {
        &self.path
    }

    /// What is sent.
    pub fn artifact(&self) -> &Arc<dyn Artifact> {
        &self.artifact
    }

    /// The size and digest that have to arrive.
    pub fn content(&self) -> Content {
        Content::of(self.artifact.as_ref())
    }

    /// Reports that `done` bytes are sent.
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
