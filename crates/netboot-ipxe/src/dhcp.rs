//! Writes configurations of DHCP servers, so that machines find iPXE and iPXE finds its script.
//!
//! A machine asks twice. First its firmware asks and tells its architecture (option 93). The server
//! gives it an iPXE for that architecture, by TFTP or as a URL for firmware that boots by HTTP.
//! Then iPXE asks and tells that it is iPXE (option 77). The server gives it the URL of the script.
//!
//! [`DhcpSettings`] describes this and writes the configuration of Kea, dnsmasq or ISC's dhcpd,
//! which ISC ended in 2022.
//! Every value has a type that is validated for its place, so no value can add a line to the
//! configuration.
//!
//! The tests of this crate load each configuration into the real server, and boot machines with it.

mod address_family;
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

pub use self::address_family::{ipv4_address, ipv4_subnet};
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
