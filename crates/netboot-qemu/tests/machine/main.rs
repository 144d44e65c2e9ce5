//! Machines boot: real QEMU, the real firmware and iPXE of this system, a real kernel.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot be set up has failed, and its report is worth reading"
)]

mod kernels;
mod processes;
mod scripts;
mod site;
