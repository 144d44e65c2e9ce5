//! Networks without IPv4, which no configuration here can boot.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::dhcp::problem::{DhcpProblem, DhcpSetting};
use crate::error::Error;

/// Returns the subnet, if it is one of IPv4.
///
/// The configurations of this crate are for DHCP over IPv4. Over IPv6, the options 59 and 60 name
/// the URLs of boot files (RFC 5970), and this crate does not write them.
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
