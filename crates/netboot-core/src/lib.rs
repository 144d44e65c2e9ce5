//! The vocabulary of Netboot: the values and small traits that all its crates share.
//!
//! A *profile* names a configuration to build. A *builder* makes an *image* from it: a kernel, its
//! initrds, and the way to start them. A renderer writes boot scripts for images and makes a
//! *release*. A publisher puts the release on a *target*, from which machines boot it.
//!
//! ```text
//! Profile ──▶ Builder ──▶ Image ──▶ a renderer ──▶ Release ──▶ a publisher ──▶ a machine boots
//! ```
//!
//! This crate has no backend for Nix or for a store. It starts no process and opens no connection.
//! `netboot-nix` builds, `netboot-ipxe` renders, and `netboot-publish` publishes. These crates
//! depend on this crate, and not on each other.
//!
//! [`PrebuiltBuilder`] makes images from existing files. [`inspect`] checks kernels and initrds
//! before a machine boots them.
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
//! | `contract` | `contract`: test suites for implementations of [`Builder`] and [`Artifact`] |

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod advice;
mod architecture;
mod artifact;
mod artifact_kind;
mod backend_error;
pub mod beneath;
mod blocking;
mod boot_spec;
mod builder;
mod bulkhead;
mod bytes_artifact;
mod closure;
mod command_line;
mod content;
mod context;
#[cfg(feature = "contract")]
pub mod contract;
mod counted;
mod digest;
mod document_kind;
mod error;
mod error_class;
mod event;
mod file_artifact;
mod file_time;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guarded_file;
mod image;
mod image_manifest;
pub mod inspect {
    //! Checks of kernels and initrds. They find an error page that was saved as a kernel, or a
    //! truncated initrd, before a machine tries to boot it.

    mod compression;
    mod cpio;
    mod damage;
    mod decompressor;
    mod file_tree;
    pub(crate) mod filter_check;
    pub(crate) mod first_program;
    pub(crate) mod initrd;
    pub(crate) mod initrd_format;
    mod initrd_reader;
    pub(crate) mod kernel;
    pub(crate) mod linux_version;
    mod lz4;
    mod lzop;
    mod memory;
    pub(crate) mod presence;
    pub(crate) mod summary;
    mod watched_file;
    mod xz;
    pub(crate) mod xz_filter;

    pub use self::filter_check::check_xz_filters;
    pub use self::first_program::require_first_program;
    pub use self::initrd::inspect_initrd;
    pub use self::initrd_format::InitrdFormat;
    pub use self::kernel::check_kernel;
    pub use self::linux_version::LinuxVersion;
    pub use self::memory::least_memory_mib;
    pub use self::presence::{Presence, require_init, without_directory};
    pub use self::summary::InitrdSummary;
    pub use self::xz_filter::XzFilter;
}
mod invalid_value;
mod joined_initrd;
pub mod layout;
mod mac_address;
mod manifest;
mod materials;
mod name;
mod payload;
pub mod plasmacloud;
mod pointer_template;
mod prebuilt;
mod profile;
mod profile_spec;
mod provenance;
mod refused_access;
mod regular_file;
mod release;
mod release_id;
mod report;
pub mod secret_scan {
    //! Finds secrets in files, before an image with them is published.
    //!
    //! Everybody on a network can fetch an image, so it must contain no secret. A
    //! [`SecretPolicy`] scans files by a table of rules: private keys, signing keys, tokens of
    //! services by their prefixes, passwords and their hashes, and what a caller names. Where a
    //! format has a checksum or a structure, the rule checks it. Public keys and certificates are
    //! no findings. No finding, error or event contains the secret itself.
    //!
    //! ```
    //! use netboot_core::Context;
    //! use netboot_core::secret_scan::{Judgement, SecretPlace, SecretPolicy};
    //!
    //! let policy = SecretPolicy::default();
    //! let place = SecretPlace::new("/nix/store/0a-wireguard", "wg0.conf");
    //! let file = b"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n";
    //! for secret in policy.scan(&place, &mut file.as_slice(), &Context::new())? {
    //!     if let Judgement::Finding(finding) = policy.judge(&place, &secret) {
    //!         println!("{finding}; {}", finding.hint());
    //!     }
    //! }
    //! # Ok::<(), netboot_core::Error>(())
    //! ```
    //!
    //! # What it does not find
    //! It does not look into compressed files and file system images, except for the initrds of an
    //! image. It does not know passwords and tokens without a form, such as the value of
    //! `DATABASE_PASSWORD`. A caller can add patterns for them. Files of the tests and the
    //! documentation of packages contain keys that everybody knows; they are counted instead of
    //! reported.

    mod check;
    mod finding;
    mod hit;
    mod initrd;
    mod key_format;
    mod kind;
    mod pem;
    mod policy;
    mod report;
    mod rule;
    mod scanner;
    mod test_material;
    mod whole_file;

    pub use self::finding::{SecretFinding, SecretMatch, SecretPlace};
    pub use self::initrd::{InitrdSecrets, scan_initrd};
    pub use self::kind::{SecretKind, Severity};
    pub use self::policy::{Judgement, SecretPolicy};
    pub use self::report::SecretReport;
}
mod store_path_digest;
mod validated_text;

/// The attribute for implementations of [`Builder`] and [`Artifact`].
pub use async_trait::async_trait;
pub use tokio_util::sync::CancellationToken;

pub use crate::advice::Advice;
pub use crate::architecture::Architecture;
pub use crate::artifact::{Artifact, ArtifactReader};
pub use crate::artifact_kind::ArtifactKind;
pub use crate::backend_error::BackendError;
pub use crate::blocking::{blocking, joined};
pub use crate::boot_spec::BootSpec;
pub use crate::builder::Builder;
pub use crate::bulkhead::Bulkhead;
pub use crate::bytes_artifact::BytesArtifact;
pub use crate::closure::{Closure, ClosureManifest};
pub use crate::command_line::{
    COMMAND_LINE_LIMIT, InitPath, KernelCommandLine, KernelParameter, split_parameters,
};
pub use crate::content::{Content, FileRecord};
pub use crate::context::{Context, EventSink, PhaseGuard};
pub use crate::counted::{Counted, counted};
pub use crate::digest::{Sha256Digest, Sha256Hasher};
pub use crate::document_kind::DocumentKind;
pub use crate::error::Error;
pub use crate::error_class::ErrorClass;
pub use crate::event::{Event, Phase, Unit};
pub use crate::file_artifact::FileArtifact;
pub use crate::file_time::touch;
pub use crate::guarded_file::GuardedFile;
pub use crate::image::{Image, ImageBuilder};
pub use crate::image_manifest::ImageManifest;
pub use crate::invalid_value::{InvalidValue, TextProblem, ValueKind};
pub use crate::joined_initrd::JoinedInitrd;
pub use crate::layout::ReleasePath;
pub use crate::mac_address::MacAddress;
pub use crate::manifest::Manifest;
pub use crate::materials::{Materials, SourceMaterial, StorePathMaterial};
pub use crate::name::{FileName, PointerName, ProfileName, ServiceName, SiteName, Title};
pub use crate::payload::Payload;
pub use crate::pointer_template::{
    PointerTemplate, RELEASE_ID_PLACEHOLDER, SHORT_RELEASE_ID_PLACEHOLDER,
};
pub use crate::prebuilt::{PrebuiltBuilder, PrebuiltImage};
pub use crate::profile::Profile;
pub use crate::profile_spec::ProfileSpec;
pub use crate::provenance::Provenance;
pub use crate::refused_access::RefusedAccess;
pub use crate::regular_file::{open_regular_file, read_regular_file, read_regular_text};
pub use crate::release::{Release, ReleaseBuilder};
pub use crate::release_id::ReleaseId;
pub use crate::report::Report;
pub use crate::store_path_digest::StorePathDigest;
