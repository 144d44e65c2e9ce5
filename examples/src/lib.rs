//! What the example programs share: how they show progress, how they show a failure, and how
//! they lay out an output directory.
//!
//! The programs are in `src/bin/`: `build-images` (the main job), `boot-in-qemu`, `prebuilt` and
//! `custom-builder`.

mod failure;
mod image_directory;
mod progress;
mod signals;

pub use crate::failure::{Failure, describe};
pub use crate::image_directory::{check_image_directory, write_build_log, write_image_directory};
pub use crate::progress::Progress;
pub use crate::signals::Signals;
