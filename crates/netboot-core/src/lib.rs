//! The vocabulary of Netboot: what is built, what comes of it, and what is published, as plain
//! values and small traits that every backend shares.
//!
//! ```text
//! Profile ──▶ Builder ──▶ Image ──▶ a renderer ──▶ Release ──▶ a publisher ──▶ a machine boots
//! ```
//!
//! This crate knows no backend, starts no process and opens no connection. `netboot-nix` builds,
//! `netboot-ipxe` renders, `netboot-publish` publishes; each depends on this crate only.
//!
//! ```
//! use netboot_core::{Profile, plasmacloud};
//!
//! for profile in plasmacloud::profiles()? {
//!     println!("{}: {} services", profile.title(), profile.services().len());
//! }
//! # Ok::<(), netboot_core::Error>(())
//! ```
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `contract` | `contract`: the suite that holds an implementation of [`Builder`] or [`Artifact`] to its contract |

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod architecture;
mod artifact;
mod backend_error;
mod boot_spec;
mod builder;
mod command_line;
#[cfg(feature = "contract")]
pub mod contract;
mod digest;
mod error;
mod event;
mod image;
pub mod inspect;
pub mod layout;
mod mac_address;
mod manifest;
mod name;
pub mod plasmacloud;
mod prebuilt;
mod profile;
mod profile_spec;
mod provenance;
mod release;
mod text;

pub use tokio_util::sync::CancellationToken;

pub use crate::architecture::Architecture;
pub use crate::artifact::{Artifact, ArtifactKind, ArtifactReader, BytesArtifact, FileArtifact};
pub use crate::backend_error::BackendError;
pub use crate::boot_spec::BootSpec;
pub use crate::builder::Builder;
pub use crate::command_line::{
    COMMAND_LINE_LIMIT, InitPath, KernelCommandLine, KernelParameter, split_parameters,
};
pub use crate::digest::{Sha256Digest, Sha256Hasher};
pub use crate::error::Error;
pub use crate::event::{Context, Event, EventSink, Phase, PhaseGuard, Unit};
pub use crate::image::{Image, ImageBuilder};
pub use crate::layout::ReleasePath;
pub use crate::mac_address::MacAddress;
pub use crate::manifest::{Content, FileRecord, ImageManifest, MANIFEST_VERSION, Manifest};
pub use crate::name::{FileName, PointerName, ProfileName, ServiceName, SiteName, Title};
pub use crate::prebuilt::{PrebuiltBuilder, PrebuiltImage};
pub use crate::profile::{DEFAULT_SIZE_BUDGET, Profile};
pub use crate::profile_spec::ProfileSpec;
pub use crate::provenance::Provenance;
pub use crate::release::{Release, ReleaseBuilder, ReleaseId};
pub use crate::text::{TextProblem, ValueKind};
