//! Builds netboot images of NixOS configurations with Nix: one evaluation for all profiles, the
//! real `init=`, and errors that say what to do.
//!
//! ```no_run
//! use std::sync::Arc;
//! use netboot_core::{Builder, Context, Event, Profile, plasmacloud};
//! use netboot_nix::NixBuilder;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let builder = NixBuilder::builder("git+ssh://git@example.org/infrastructure")
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
//! # What is read of a flake
//! Of `nixosConfigurations.<name>.config`, as NixOS's netboot modules define them:
//!
//! | attribute | what it becomes |
//! |---|---|
//! | `system.build.kernel` | the kernel, under the name in `system.boot.loader.kernelFile` |
//! | `system.build.netbootRamdisk` | the initrd |
//! | `system.build.toplevel` | `init=<toplevel>/init` |
//! | `boot.kernelParams` | the kernel parameters, in their order |
//!
//! The flake is never edited and its lock file never written; its `nixConfig` is not accepted.
//!
//! # What a caller decides
//! - [`Overrides`]: kernel parameters, SSH keys, packages, a kernel, settings and modules, on top of
//!   what the flake says, for all profiles or for one;
//! - [`Policy`]: what a configuration must be like before anything is built; by default no example's
//!   SSH key passes. [`NixBuilder::check`] checks without building;
//! - [`ScaleOut`]: remote builders, another store, substituters, time limits, and binary caches that
//!   results are copied to;
//! - [`SizeReport`], by [`NixBuilder::size_report`]: what makes an image large and who brings it in.
//!   A build warns of an image over its profile's budget by itself, and refuses a file that no
//!   initrd can hold.
//!
//! # What is left behind
//! The state directory holds `roots/<profile>/`, links that keep what was built from the garbage
//! collector, and `logs/`, of profiles and of single derivations. Roots go after
//! [`keep_roots`](NixBuilderBuilder::keep_roots), logs after
//! [`keep_logs`](NixBuilderBuilder::keep_logs), whoever left them. Builders in several processes may
//! share one; they take turns.
//!
//! A build that is cancelled or dropped asks Nix to end, which ends its builders, and kills it after
//! the [`grace`](NixBuilderBuilder::grace) time with all that it started. A small shell does the same
//! if this process is killed itself.
//!
//! # Where an image comes from
//! [`Provenance`](netboot_core::Provenance) of an image has the flake's locked URL and NAR hash, the
//! derivations, the store paths of its parts with their NAR hashes, and the version of Nix. Building
//! again gives the same manifest, byte for byte.
//!
//! # What goes wrong, and on which versions of Nix it was seen
//! Each cause is a variant of [`Error`] that names what it concerns, has the last lines of the log
//! where there is one, and a [`hint`](Error::hint); or it is a warning among the events, where Nix
//! goes on. Nix has no error codes: its words are read by the phase that failed, and what is not known
//! is [`Error::CommandFailed`] with all that was said.
//!
#![doc = include_str!("causes.md")]
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod build_log;
mod builder;
mod classify;
mod environment;
mod error;
mod evaluation;
mod flake;
mod flake_answer;
mod flake_reference;
mod git_diagnosis;
mod image;
mod internal_json;
mod nix_output;
mod overrides;
mod path_info;
mod policy;
mod progress;
mod realise;
mod recorder;
mod redaction;
mod roots;
mod runner;
mod scale_out;
mod size;
mod state_lock;
mod stop;
mod store_copy;
mod watch;

pub use crate::builder::{NixBuilder, NixBuilderBuilder};
pub use crate::error::Error;
pub use crate::error::problem::EvaluationProblem;
pub use crate::error::shared_io_error::SharedIoError;
pub use crate::error::subject::Subject;
pub use crate::flake_reference::FlakeReference;
pub use crate::overrides::attribute_path::AttributePath;
pub use crate::overrides::authorized_key::AuthorizedKey;
pub use crate::overrides::{Overrides, OverridesBuilder};
pub use crate::policy::Policy;
pub use crate::policy::finding::{PolicyFinding, PolicyProblem};
pub use crate::policy::rule::{PolicyCheck, Severity};
pub use crate::scale_out::ScaleOut;
pub use crate::scale_out::binary_cache::{BinaryCache, Compression};
pub use crate::scale_out::remote_builder::RemoteBuilder;
pub use crate::scale_out::store_url::StoreUrl;
pub use crate::size::{DuplicatePackage, INITRD_FILE_LIMIT, SizeReport, StorePathSize};
