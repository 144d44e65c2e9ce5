//! Builds netboot images of NixOS configurations with Nix: one evaluation for all profiles, the
//! actual `init=`, and errors with hints.
//!
//! ```no_run
//! use std::sync::Arc;
//! use netboot_core::{Builder, Context, Event, Profile, plasmacloud};
//! use netboot_nix::NixBuilder;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let builder = NixBuilder::options("git+ssh://git@example.org/infrastructure")
//!     .state_directory("/var/lib/deployer/netboot")
//!     .configuration(|profile| format!("netboot-{}", profile.name()))
//!     .build()?;
//! let profiles: Vec<Arc<dyn Profile>> =
//!     plasmacloud::profiles()?.into_iter().map(Into::into).collect();
//! let context = Context::new().with_events(|event: Event| println!("{event}"));
//! for result in builder.build_all(&profiles, &context).await {
//!     match result {
//!         Ok(image) => println!("{}: {}", image.profile(), image.boot().command_line()?),
//!         Err(error) => println!("{error}; {}", error.hint().unwrap_or_default()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What Netboot reads from a flake
//! These attributes of `nixosConfigurations.<name>.config`, which NixOS's netboot modules define:
//!
//! | attribute | use in the image |
//! |---|---|
//! | `system.build.kernel` | the kernel; `system.boot.loader.kernelFile` names its file |
//! | `system.build.netbootRamdisk` | the initrd |
//! | `system.build.toplevel` | `init=<toplevel>/init` |
//! | `boot.kernelParams` | the kernel parameters, in this order |
//!
//! Netboot never edits the flake or its lock file, and ignores its `nixConfig`.
//!
//! # Options
//! - [`Overrides`] add kernel parameters, SSH keys, packages, a kernel, settings and modules to the
//!   configuration, for all profiles or for one.
//! - [`Policy`] has rules that a configuration must follow before it is built. The default denies
//!   placeholder SSH keys. [`NixBuilder::check`] checks the rules without a build.
//! - [`ClosureBoot`] adds what a machine needs to fetch its system itself, for profiles with
//!   [`Payload::Closure`](netboot_core::Payload::Closure).
//! - [`Payload::External`](netboot_core::Payload::External) takes an initrd without its system,
//!   which stage 1 gets from a disk or over the network.
//! - [`ScaleOut`] sets remote builders, another store, substituters, time limits, and binary caches
//!   for the results.
//! - [`NixBuilder::size_report`] makes a [`SizeReport`]: what makes an image large, and why it is
//!   there. A build also warns of an image over its profile's budget, and refuses a file that is
//!   too large for an initrd.
//!
//! # The state directory
//! The state directory contains `roots/<profile>/`, links that protect build results from the
//! garbage collector, and `logs/`, the logs of profiles and of derivations. Old roots are removed
//! after [`keep_roots`](NixBuilderOptions::keep_roots), and old logs after
//! [`keep_logs`](NixBuilderOptions::keep_logs). Builders in several processes can share a state
//! directory and take turns.
//!
//! # Cancellation
//! If a build is cancelled or dropped, Nix is asked to end and ends its builders. After the
//! [`grace`](NixBuilderOptions::grace) time, Nix and everything that it started is killed. The same
//! happens if this process itself is killed; see [`netboot_process`].
//!
//! # Provenance
//! The [`Provenance`](netboot_core::Provenance) of an image contains the flake's locked URL and NAR
//! hash, the derivations, the store paths of the parts with their NAR hashes, and the version of
//! Nix. Another build gives the same manifest, byte for byte.
//!
//! # Causes of failures, and the tested versions of Nix
//! Each cause is a variant of [`Error`]. The error names what failed and has a
//! [`hint`](Error::hint), and the last lines of the log if there is one. If Nix goes on, the cause
//! is a warning among the events instead. Nix has no error codes, so Netboot reads Nix's messages.
//! An unknown failure is [`Error::CommandFailed`] with the last messages.
//!
#![doc = include_str!("causes.md")]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod build_log;
mod builder;
mod classify;
mod closure_boot;
mod derivation_info;
mod environment;
mod error;
mod evaluation;
mod flake;
mod flake_answer;
mod flake_reference;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod git_diagnosis;
mod image;
mod internal_json;
mod locked_inputs;
mod materials;
mod module_paths;
mod nar_hash;
mod nix_output;
mod overrides;
mod packing;
mod path_info;
mod policy;
mod progress;
mod realise;
mod recorder;
mod redaction;
mod roots;
mod runner;
mod scale_out;
mod secrets;
mod shown_url;
mod size;
mod state_lock;
mod stop;
mod store_contents;
mod store_copy;
mod user_directories;
mod warnings;
mod watch;

pub use crate::builder::{NixBuilder, NixBuilderOptions};
pub use crate::closure_boot::ClosureBoot;
pub use crate::error::Error;
pub use crate::error::flake_problem::FlakeProblem;
pub use crate::error::git_problem::{GitProblem, GitRefusal};
pub use crate::error::package_refusal::{PackageRefusal, RefusedPackage};
pub use crate::error::problem::EvaluationProblem;
pub use crate::error::proxy_variable::ProxyVariable;
pub use crate::error::subject::Subject;
pub use crate::error::text_form::TextForm;
pub use crate::flake_reference::FlakeReference;
pub use crate::overrides::attribute_path::AttributePath;
pub use crate::overrides::authorized_key::AuthorizedKey;
pub use crate::overrides::{Overrides, OverridesBuilder};
pub use crate::policy::Policy;
pub use crate::policy::finding::{PolicyFinding, PolicyProblem};
pub use crate::policy::rule::PolicyCheck;
pub use crate::scale_out::ScaleOut;
pub use crate::scale_out::binary_cache::{BinaryCache, Compression};
pub use crate::scale_out::remote_builder::RemoteBuilder;
pub use crate::scale_out::store_url::StoreUrl;
pub use crate::size::{
    DuplicatePackage, Package, SizeFinding, SizeProblem, SizeReport, StorePathSize,
};
pub use netboot_core::secret_scan::Severity;
