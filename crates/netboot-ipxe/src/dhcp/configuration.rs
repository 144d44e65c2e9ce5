//! From settings to the configuration of a server.

use crate::dhcp::dnsmasq;
use crate::dhcp::isc_dhcpd;
use crate::dhcp::kea;
use crate::dhcp::server::DhcpServer;
use crate::dhcp::settings::DhcpSettings;
use crate::error::Error;

impl DhcpSettings {
    /// A whole configuration file, by which a server of this kind serves the subnet.
    ///
    /// # Errors
    /// [`Error::NoProxyDhcp`] where another server leases the addresses and this one cannot run
    /// beside it; [`Error::InvalidDhcpSetting`] where dhcpd would lease a machine's own address to
    /// others, since it is of the range.
    pub fn configuration(&self, server: DhcpServer) -> Result<String, Error> {
        match server {
            DhcpServer::Dnsmasq => dnsmasq::configuration(self),
            DhcpServer::Kea => kea::configuration(self),
            DhcpServer::IscDhcpd => isc_dhcpd::configuration(self),
        }
    }

    /// Only what makes machines boot, to be included into the configuration of a server that
    /// serves the subnet already; [`DhcpServer`] says where. Addresses, and whether unknown
    /// machines are served, stay that configuration's.
    ///
    /// # Errors
    /// [`Error::InvalidDhcpSetting`] for a URL that is too long.
    pub fn boot_options(&self, server: DhcpServer) -> Result<String, Error> {
        match server {
            DhcpServer::Dnsmasq => dnsmasq::boot_options(self),
            DhcpServer::Kea => kea::boot_options(self),
            DhcpServer::IscDhcpd => isc_dhcpd::boot_options(self),
        }
    }
}
