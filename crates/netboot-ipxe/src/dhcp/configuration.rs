//! Writes the configuration of a server.

use crate::dhcp::dnsmasq;
use crate::dhcp::isc_dhcpd;
use crate::dhcp::kea;
use crate::dhcp::server::DhcpServer;
use crate::dhcp::settings::DhcpSettings;
use crate::error::Error;

impl DhcpSettings {
    /// Writes a complete configuration file with which a server of this kind serves the subnet.
    ///
    /// # Errors
    /// [`Error::NoProxyDhcp`] if another server leases the addresses and this one cannot run beside
    /// it. [`Error::InvalidDhcpSetting`] if dhcpd would lease the address of a known machine to
    /// others because it is in the range.
    pub fn configuration(&self, server: DhcpServer) -> Result<String, Error> {
        match server {
            DhcpServer::Dnsmasq => dnsmasq::configuration(self),
            DhcpServer::Kea => kea::configuration(self),
            DhcpServer::IscDhcpd => isc_dhcpd::configuration(self),
        }
    }

    /// Writes only the options that make machines boot, for the configuration of a server that
    /// already serves the subnet. [`DhcpServer`] tells where to include them. That configuration
    /// still decides about addresses and unknown machines.
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
