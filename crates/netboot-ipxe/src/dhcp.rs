//! Configurations of DHCP servers by which machines find iPXE, and iPXE its script.
//!
//! A machine asks twice. Its firmware says what architecture it is (option 93) and is given the
//! iPXE that runs on it, by TFTP or, where it boots by HTTP, as a URL. That iPXE asks again, says
//! that it is iPXE (option 77), and is given the URL of the script. [`DhcpSettings`] says this once
//! and becomes the configuration of dnsmasq, Kea or ISC's dhcpd. Every value in it has a type that
//! was validated for its place, so that none can add a line of its own.
//!
//! Each configuration was read and served by the real server in this library's tests, and machines
//! booted by it.

mod boot_file_path;
mod boot_server;
mod boot_url;
mod client_architecture;
mod dnsmasq;
mod interface_name;
mod isc_dhcpd;
mod kea;
mod known_machine;
mod problem;
mod server;
mod settings;
mod tftp_root;

pub use self::boot_file_path::BootFilePath;
pub use self::boot_server::{BootServer, IpxeSign};
pub use self::boot_url::BootUrl;
pub use self::client_architecture::ClientArchitecture;
pub use self::interface_name::InterfaceName;
pub use self::known_machine::KnownMachine;
pub use self::problem::{DhcpProblem, DhcpSetting};
pub use self::server::DhcpServer;
pub use self::settings::{Addressing, DhcpSettings, DhcpSettingsBuilder};
pub use self::tftp_root::TftpRoot;

/// Implements what the validated texts of a configuration have in common.
macro_rules! validated_text {
    ($name:ident, $setting:expr, $check:expr) => {
        impl $name {
            /// Validates `text`.
            ///
            /// # Errors
            /// [`Error::InvalidDhcpSetting`](crate::Error::InvalidDhcpSetting).
            pub fn new(text: impl Into<String>) -> Result<Self, crate::Error> {
                let text = text.into();
                match $check(&text) {
                    Ok(()) => Ok(Self(text)),
                    Err(problem) => Err(refuse($setting, &text, problem)),
                }
            }

            /// The validated text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Error;
            fn from_str(text: &str) -> Result<Self, crate::Error> {
                Self::new(text)
            }
        }
    };
}
use validated_text;
