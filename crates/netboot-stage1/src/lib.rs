//! Assembles a NixOS closure from verified blobs, on a machine that boots from the network.
//!
//! The boot loader loads a kernel and a small initrd. The program `netboot-stage1` of this crate
//! runs in that initrd, when the network is up. It fetches the closure's store paths and puts them
//! into a directory, from which the initrd then starts the system.
//!
//! # The flow
//! 1. The kernel command line says what to fetch and from where.
//! 2. The card with the address `BOOTIF` gets an IP address from the initrd. The program waits for
//!    it, for a limited time.
//! 3. The program fetches the index, whose SHA-256 stands on the kernel command line.
//! 4. It compares the memory of the machine with the needs of the closure, chooses the form of the
//!    store ([`store`]), and prepares the directory.
//! 5. Several connections fetch the blobs, the largest first. A blob comes from a [`BlobCache`] or
//!    from the network. Its bytes go through SHA-256 and zstd into the reader of archives, which
//!    unpacks them under a temporary name. Only a store path that is right gets its own name.
//! 6. At last the program writes `nix-path-registration`, from which the system fills Nix's
//!    database. So that file exists only beside a complete closure.
//!
//! The index is the only thing that is trusted, and its digest is known. Web servers, mirrors and
//! caches can delay a boot, but cannot change it.

mod assembly;
pub mod blob_cache;
mod card;
mod cause;
mod decode;
pub mod disk_cache;
mod error;
mod fetch;
mod file_system_label;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod index;
mod memory;
mod mount;
mod patience;
mod progress;
mod report;
mod run;
mod settings;
pub mod store;
mod store_directory;
mod supervisor;
mod watch;

pub use crate::blob_cache::{BlobCache, BlobWriter, NoCache};
pub use crate::error::Error;
pub use crate::fetch::Tell;
pub use crate::memory::MemoryNeed;
pub use crate::patience::Patience;
pub use crate::run::run;
pub use crate::settings::Settings;
