//! Test suites for implementations of [`Builder`](crate::Builder) and
//! [`Artifact`](crate::Artifact). Their own tests call these suites.
//!
//! ```
//! use netboot_core::{ArtifactKind, BytesArtifact, FileName, contract};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), netboot_core::Error> {
//! let name = FileName::new("boot.ipxe")?;
//! contract::check_artifact(&BytesArtifact::new(ArtifactKind::Script, name, "#!ipxe\n")?).await;
//! # Ok(())
//! # }
//! ```
//!
//! If an implementation breaks a sentence of its contract, the suite panics and names the sentence
//! by its number in the documentation of the trait. [`check_sentences`] is for suites of other
//! traits.
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a suite of tests reports failures by panicking"
)]

mod artifact;
mod builder;
mod profile;
mod sentence;

pub use self::artifact::check_artifact;
pub use self::builder::{BuilderCases, check_builder};
pub use self::sentence::check_sentences;
