//! Code that the example programs share: their frame, and a store that records changes.
//!
//! Start with the program `embed`, which uses none of it.
//!
//! The programs are in `src/bin/`:
//!
//! | program | what it shows |
//! |---|---|
//! | `embed` | the library alone, in a program of less than 60 lines |
//! | `prebuilt` | publish an existing image, without Nix |
//! | `custom-builder` | your own builder |
//! | `custom-store` | your own store; a test holds it to the contract |
//! | `publish-proven` | publish an image only if it comes up in QEMU |

mod audited_store;
mod program;

pub use crate::audited_store::AuditedStore;
pub use crate::program::run_program;
