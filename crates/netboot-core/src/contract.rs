//! The suite that holds an implementation of [`Builder`] to its contract, and one of [`Artifact`]
//! to its own; to be called from their tests.
//!
//! ```
//! use netboot_core::{ArtifactKind, BytesArtifact, FileName, contract};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), netboot_core::Error> {
//! let name = FileName::new("boot.ipxe")?;
//! contract::check_artifact(&BytesArtifact::new(ArtifactKind::Script, name, "#!ipxe\n")).await;
//! # Ok(())
//! # }
//! ```
//!
//! A sentence of a contract that is not kept ends the suite with a panic that says which.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a suite of tests tells what fails by panicking"
)]

mod artifact;
mod builder;
mod profile;

use std::sync::Arc;

use crate::{Artifact, Builder, Profile};

/// What [`check_builder`] builds. The suite gives the profiles titles, services and kernel
/// parameters of its own, and takes only their names and architectures from here.
#[derive(Debug, Clone)]
pub struct BuilderCases {
    good: Vec<Arc<dyn Profile>>,
    broken: Arc<dyn Profile>,
}

impl BuilderCases {
    /// At least two profiles with names of their own that the builder can build, and `broken`,
    /// one that it cannot build.
    pub fn new(good: impl IntoIterator<Item = Arc<dyn Profile>>, broken: Arc<dyn Profile>) -> Self {
        let good: Vec<_> = good.into_iter().collect();
        assert!(good.len() >= 2, "the suite needs two profiles that can be built");
        Self { good, broken }
    }
}

/// Checks every sentence of the contract of [`Builder`], and with [`check_artifact`] the artifacts
/// of the images that it builds.
///
/// That no child process is left behind cannot be seen from here; a builder that starts processes
/// has a test of its own for that.
pub async fn check_builder(builder: &dyn Builder, cases: BuilderCases) {
    builder::check(builder, &cases).await;
}

/// Checks the contract of [`Artifact`]: that its size and its digest are those of its bytes, and
/// that every reader begins at the first byte, also while others read.
pub async fn check_artifact(artifact: &dyn Artifact) {
    artifact::check(artifact).await;
}
