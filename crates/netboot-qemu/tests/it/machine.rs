//! Boots with real QEMU, firmware, iPXE and kernels.

mod kernels;
mod processes;
mod scripts;
mod site;
