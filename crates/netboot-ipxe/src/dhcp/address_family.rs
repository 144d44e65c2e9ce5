//! Networks without IPv4, which no configuration here can boot.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::error::Error;

/// Returns the subnet, if it is one of IPv4.
///
/// The configurations of this crate are for DHCP over IPv4. DHCPv6 has other options for the URLs
/// of boot files (59 and 60; RFC 5970), which this crate does not write.
///
/// # Errors
/// [`Error::InvalidDhcpSetting`] with [`DhcpProblem::Ipv6`].
pub fn ipv4_subnet(subnet: IpNet) -> Result<Ipv4Net, Error> {
    match subnet {
        IpNet::V4(subnet) => Ok(subnet),
        IpNet::V6(subnet) => {
            Err(Error::dhcp_setting(DhcpSetting::Subnet, subnet, DhcpProblem::Ipv6))
        }
    }
}

/// Returns the address that a caller gave for `setting`, if it is one of IPv4.
///
/// # Errors
/// [`Error::InvalidDhcpSetting`] with [`DhcpProblem::Ipv6`].
pub fn ipv4_address(setting: DhcpSetting, address: IpAddr) -> Result<Ipv4Addr, Error> {
    match address {
        IpAddr::V4(address) => Ok(address),
        IpAddr::V6(address) => Err(Error::dhcp_setting(setting, address, DhcpProblem::Ipv6)),
    }
}
