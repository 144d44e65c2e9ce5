//! The suite that holds an implementation of [`Builder`](crate::Builder) to its contract, and one of [`Artifact`](crate::Artifact)
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

pub use self::artifact::check_artifact;
pub use self::builder::{BuilderCases, check_builder};
