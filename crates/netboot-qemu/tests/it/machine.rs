//! Boots with real QEMU, firmware, iPXE and kernels.

mod aarch64;
mod child_environment;
mod isolation;
mod kernels;
mod processes;
mod scripts;
pub(crate) mod site;
