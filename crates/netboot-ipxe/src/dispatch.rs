//! Assigns profiles to machines.
//!
//! A [`Fleet`] has an [`Assignment`] for each machine or group of machines, and a policy for all
//! other machines ([`UnknownMachine`]). A renderer with a fleet
//! ([`RendererBuilder::fleet`](crate::RendererBuilder::fleet)) makes the script that every machine
//! runs.

pub(crate) mod assignment;
pub(crate) mod fleet;
pub(crate) mod key;
pub(crate) mod key_text;
mod listed;
pub(crate) mod lookup;
pub(crate) mod selector;
mod shared_address;
mod shared_identity;

pub use self::assignment::{Assignment, BootOnce};
pub use self::fleet::{DispatchForm, Fleet, FleetBuilder, UnknownMachine};
pub use self::key::{MachineKey, MachineUuid};
pub use self::key_text::{AssetTag, MachineName, SerialNumber, SettingName, SettingValue};
pub use self::listed::listed_machines;
pub use self::selector::Selector;
