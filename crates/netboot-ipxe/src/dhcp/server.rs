//! The DHCP servers that can be configured.

use std::fmt;
use std::str::FromStr;

use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::error::Error;

/// A DHCP server for which this crate writes the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DhcpServer {
    /// ISC's Kea, the server for IPv4. Its [boot options](super::DhcpSettings::boot_options) are
    /// the value of `client-classes`: `"client-classes": <?include "netboot.json"?>`.
    Kea,
    /// dnsmasq. Its boot options are a file for `/etc/dnsmasq.d`. It is the only one that can run
    /// beside another DHCP server, and that serves TFTP.
    Dnsmasq,
    /// ISC's dhcpd, which ISC ended in 2022 and Debian 12 still has. Use Kea, its successor, for a
    /// new installation. Include its boot options at
    /// the outermost level of the file: `include "/etc/dhcp/netboot.conf";`. They define the
    /// options `netboot-architecture` and `netboot-ipxe`, with the codes 93 and 175.
    IscDhcpd,
}

impl DhcpServer {
    /// All servers.
    pub const ALL: [Self; 3] = [Self::Kea, Self::Dnsmasq, Self::IscDhcpd];

    /// The name: `kea`, `dnsmasq` or `dhcpd`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kea => "kea",
            Self::Dnsmasq => "dnsmasq",
            Self::IscDhcpd => "dhcpd",
        }
    }
}

impl fmt::Display for DhcpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DhcpServer {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let named = Self::ALL.into_iter().find(|server| server.as_str() == text);
        let problem = DhcpProblem::Malformed { expected: "kea, dnsmasq or dhcpd" };
        named.ok_or_else(|| Error::dhcp_setting(DhcpSetting::Server, text, problem))
    }
}
