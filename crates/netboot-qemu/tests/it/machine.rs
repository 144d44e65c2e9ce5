//! Machines boot: real QEMU, the real firmware and iPXE of this system, a real kernel.

mod kernels;
mod processes;
mod scripts;
mod site;
