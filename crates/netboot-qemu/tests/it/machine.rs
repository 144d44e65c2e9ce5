//! Boots with real QEMU, firmware, iPXE and kernels.

mod isolation;
mod kernels;
mod processes;
mod scripts;
mod site;
