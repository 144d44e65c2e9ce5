//! Which machine boots what.
//!
//! A [`Fleet`] has an [`Assignment`] for each machine or group of machines, and a policy for all
//! others ([`UnknownMachine`]). A renderer that is given one makes the script that every machine
//! runs: [`RendererBuilder::fleet`](crate::RendererBuilder::fleet).

mod assignment;
mod fleet;
mod key;
mod key_text;
mod lookup;
mod selector;

pub(crate) use self::assignment::TokenPlace;
pub use self::assignment::{Assignment, BootOnce};
pub use self::fleet::{DispatchForm, Fleet, FleetBuilder, UnknownMachine};
pub use self::key::{MachineKey, MachineUuid};
pub use self::key_text::{AssetTag, MachineName, SerialNumber, SettingName, SettingValue};
pub(crate) use self::lookup::{Identity, share_of, test, value_of};
pub use self::selector::Selector;
