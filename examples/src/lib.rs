//! What the example programs share: how they show progress, how they show a failure, and how
//! they lay out an output directory. Begin with `embed`, which uses none of it.
//!
//! The programs are in `src/bin/`:
//!
//! | program | what it shows |
//! |---|---|
//! | `embed` | the library alone, in a program of under 60 lines |
//! | `build-images` | the main job: build profiles of a flake, and publish them |
//! | `prebuilt` | publish an image that exists already, without Nix |
//! | `custom-builder` | a builder of one's own |
//! | `custom-store` | a store of one's own, held to the contract by a test |
//! | `publish-proven` | publish an image only if it comes up in QEMU from where it lies |
//! | `publish-many` | publish to several sites, to all or to none of them |
//! | `verify-release` | verify a directory or a URL, signatures too, and mend what is damaged |
//! | `releases` | list, roll back, activate and prune the releases of a directory |
//! | `boot-in-qemu` | boot what was published, and say how far it came |
//! | `dispatch-fleet` | publish an image for the machines of a list |
//! | `lint-script` | say what is wrong with iPXE scripts |
//! | `size-report` | say what makes an image large, and how much memory it needs |
//! | `export` | write what DHCP servers, matchbox and Pixiecore need |

mod audited_store;
mod failure;
mod image_directory;
mod program;
mod progress;
mod qemu_prover;
mod signals;
mod store_server;

pub use crate::audited_store::AuditedStore;
pub use crate::failure::{Failure, describe};
pub use crate::image_directory::{check_image_directory, write_build_log, write_image_directory};
pub use crate::program::run_program;
pub use crate::progress::Progress;
pub use crate::qemu_prover::QemuProver;
pub use crate::signals::Signals;
pub use crate::store_server::StoreServer;
