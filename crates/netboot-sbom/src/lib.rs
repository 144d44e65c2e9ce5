//! Says what a netboot image consists of and where it comes from.
//!
//! [`with_documents`] gives an image its documents: a software bill of materials in the JSON of
//! [CycloneDX](https://cyclonedx.org/specification/overview/) 1.5, and an
//! [in-toto statement](https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md) with
//! the predicate [SLSA provenance](https://slsa.dev/spec/v1.0/provenance). A release of the image
//! has them as files, so its id and the signature of its manifest cover them. Equal images that
//! were made from equal things have documents of equal bytes: they contain no time and no random
//! number.
//!
//! [`Bill`] reads an SBOM again, and [`Comparison`] tells which packages came, went and changed
//! between two of them.
//!
//! ```
//! use netboot_core::{
//!     Architecture, ArtifactKind, BootSpec, BytesArtifact, DocumentKind, Image, InitPath,
//!     ProfileSpec,
//! };
//! use netboot_sbom::{Bill, Comparison, sbom, with_documents};
//!
//! let profile = ProfileSpec::new("worker")?;
//! let image = |kernel: &'static str| {
//!     let init = InitPath::new("/nix/store/0a1b-nixos-system-worker/init")?;
//!     let boot = BootSpec::new(Architecture::X86_64, init, ["loglevel=4"])?;
//!     Image::builder(&profile, boot)
//!         .kernel(BytesArtifact::new(ArtifactKind::Kernel, "bzImage", kernel)?)
//!         .initrd(BytesArtifact::new(ArtifactKind::Initrd, "initrd", "...")?)
//!         .build()
//! };
//! let documented = with_documents(image("6.12")?, &DocumentKind::ALL)?;
//! assert_eq!(documented.documents().len(), 2);
//!
//! let before = Bill::parse(&sbom(&image("6.12")?)?)?;
//! let after = Bill::parse(&sbom(&image("6.12.1")?)?)?;
//! let changes = Comparison::of(&before, &after);
//! assert_eq!(changes.files.len(), 1);
//! assert_eq!(changes.files[0].name.as_str(), "bzImage");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod bill;
mod comparison;
mod documents;
mod drv_name;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod licence;
mod nar_hash;
mod percent;
mod sbom;
mod statement;

pub use crate::bill::{Bill, StoreItem};
pub use crate::comparison::{
    Comparison, FileChange, PackageChange, PackageState, ReleaseComparison,
};
pub use crate::documents::with_documents;
pub use crate::drv_name::DrvName;
pub use crate::error::Error;
pub use crate::sbom::sbom;
pub use crate::statement::statement;
