//! NixOS closures as verified blobs.
//!
//! A machine that boots from a *closure* fetches each store path by itself, checks it, and unpacks
//! it into its own `/nix/store`. This crate has the two formats that it needs:
//!
//! - [`nar`]: Nix archives, which hold one store path each. [`nar::dump`] writes them,
//!   [`nar::NarReader`] reads them strictly, and [`nar::unpack`] puts them into place.
//! - [`Index`]: the list of a closure's store paths, with the blob that holds each one.
//!
//! It also has what stage 1, the program on that machine, shares with the rest of Netboot: the
//! [kernel parameters](boot_parameter) that it reads, and the [lines](console) that it prints.
//!
//! With the feature `pack`, a `Packer` makes the blobs and the index of a closure. Without it, the
//! crate needs nothing but the standard library, so a small program in an initrd can use it.
//!
//! ```
//! use netboot_closure::nar::{self, NarLimits};
//!
//! # let directory = tempfile::tempdir()?;
//! # let (source, copy) = (directory.path().join("source"), directory.path().join("copy"));
//! std::fs::create_dir(&source)?;
//! std::fs::write(source.join("greeting"), "hello\n")?;
//!
//! let mut archive = Vec::new();
//! let written = nar::dump(&source, &mut archive)?;
//! let unpacked = nar::unpack(&archive[..], &copy, NarLimits::default())?;
//! assert_eq!(written, unpacked);
//! assert_eq!(std::fs::read(copy.join("greeting"))?, b"hello\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `serde` | `Serialize` and `Deserialize` for `StoreStatus` |
//! | `pack` | `Packer`: makes the blobs and the index of a closure |
//! | `sign` | `NixSecretKey`: signs the descriptions of a Nix binary cache |

pub mod boot_parameter;
pub mod console;
mod error;
mod index;
pub mod nar;
mod nar_info;
#[cfg(feature = "sign")]
mod nix_key;
#[cfg(feature = "pack")]
mod pack;
mod sha256;
mod store_path;

pub use crate::error::Error;
pub use crate::index::entry::IndexEntry;
pub use crate::index::problem::IndexProblem;
pub use crate::index::{Index, IndexBuilder};
pub use crate::nar_info::{NarInfo, NarSignature};
#[cfg(feature = "sign")]
pub use crate::nix_key::{NixPublicKey, NixSecretKey};
#[cfg(feature = "pack")]
pub use crate::pack::path_to_pack::PathToPack;
#[cfg(feature = "pack")]
pub use crate::pack::{CompressionLevel, PackProgress, PackedClosure, Packer};
pub use crate::sha256::Sha256;
pub use crate::store_path::StorePath;
