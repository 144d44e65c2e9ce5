//! Code that the example programs share: it shows progress and failures, and lays out an output
//! directory. Start with the program `embed`, which uses none of it.
//!
//! The programs are in `src/bin/`:
//!
//! | program | what it shows |
//! |---|---|
//! | `embed` | the library alone, in a program of less than 60 lines |
//! | `build-images` | the main job: build profiles of a flake, and publish them |
//! | `prebuilt` | publish an existing image, without Nix |
//! | `custom-builder` | your own builder |
//! | `custom-store` | your own store; a test holds it to the contract |
//! | `publish-proven` | publish an image only if it comes up in QEMU |
//! | `publish-many` | publish to several sites, to all or to none of them |
//! | `boot-in-qemu` | boot what was published, and report how far it came |
//! | `dispatch-fleet` | publish an image for a list of machines |
//! | `size-report` | show what makes an image large, and how much memory it needs |

mod audited_store;
mod image_directory;
mod program;
mod progress;
mod signals;

pub use crate::audited_store::AuditedStore;
pub use crate::image_directory::{check_image_directory, write_build_log, write_image_directory};
pub use crate::program::run_program;
pub use crate::progress::Progress;
pub use crate::signals::Signals;
