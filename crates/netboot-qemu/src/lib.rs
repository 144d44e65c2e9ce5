//! Boots what was published in QEMU, and reports how far the machine came.
mod accelerator;
mod boot_hint;
mod boot_stage;
mod console;
mod error;
mod expectations;
mod fetch;
mod firmware;
mod guest_url;
pub mod key;
mod mac_address;
mod machine;
mod report;
mod watcher;

pub use crate::accelerator::Accelerator;
pub use crate::boot_stage::BootStage;
pub use crate::error::Error;
pub use crate::fetch::{Fetch, FetchOutcome};
pub use crate::firmware::Firmware;
pub use crate::guest_url::{HOST_ADDRESS, UrlProblem};
pub use crate::mac_address::MacAddress;
pub use crate::machine::{Machine, MachineBuilder};
pub use crate::report::{BootOutcome, BootReport};
