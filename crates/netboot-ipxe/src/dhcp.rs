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
mod configuration;
mod dnsmasq;
mod interface_name;
mod isc_dhcpd;
mod kea;
mod known_machine;
pub(crate) mod problem;
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
pub use self::settings::{DhcpSettings, DhcpSettingsBuilder};
pub use self::tftp_root::TftpRoot;
