//! Boots with real QEMU, firmware, iPXE and kernels.

mod aarch64;
mod child_environment;
mod isolation;
mod kernels;
pub(crate) mod processes;
mod scripts;
pub(crate) mod site;
