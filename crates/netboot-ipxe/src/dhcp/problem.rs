//! The problems of DHCP settings, with hints.

use std::fmt;

/// The kind of a refused setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DhcpSetting {
    /// An [`InterfaceName`](super::InterfaceName).
    InterfaceName,
    /// A [`BootUrl`](super::BootUrl).
    BootUrl,
    /// A [`BootFilePath`](super::BootFilePath).
    BootFilePath,
    /// A [`TftpRoot`](super::TftpRoot).
    TftpRoot,
    /// The subnet.
    Subnet,
    /// The range of leased addresses.
    AddressRange,
    /// The address of the TFTP server.
    ServerAddress,
    /// The address of a router.
    Router,
    /// The address of a name server.
    NameServer,
    /// The lease time of an address.
    LeaseTime,
    /// A [`KnownMachine`](super::KnownMachine).
    Machine,
    /// A [`DhcpServer`](super::DhcpServer).
    Server,
    /// The architecture of machines that boot by HTTP.
    Architecture,
}

impl fmt::Display for DhcpSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InterfaceName => "interface name",
            Self::BootUrl => "boot URL",
            Self::BootFilePath => "boot file path",
            Self::TftpRoot => "TFTP root",
            Self::Subnet => "subnet",
            Self::AddressRange => "address range",
            Self::ServerAddress => "TFTP server address",
            Self::Router => "router address",
            Self::NameServer => "name server address",
            Self::LeaseTime => "lease time",
            Self::Machine => "machine",
            Self::Server => "DHCP server",
            Self::Architecture => "architecture",
        })
    }
}

/// The reason why a setting was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DhcpProblem {
    /// The text is empty.
    Empty,
    /// The text is too long.
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The largest length that is allowed, in bytes.
        limit: usize,
    },
    /// A character has a special meaning in a configuration file or for a DHCP client.
    ForbiddenCharacter {
        /// The character.
        character: char,
    },
    /// The text does not have the right form.
    Malformed {
        /// The expected thing, as a noun phrase.
        expected: &'static str,
    },
    /// The URL contains a user name or a password, which every machine of the network would see.
    Credentials,
    /// The address or URL means the machine itself or no machine.
    Unreachable,
    /// The subnet has no room for a server and a machine.
    TooSmall,
    /// The subnet does not have the address, or not for a machine.
    OutsideSubnet,
    /// The last address of the range comes before the first.
    Backwards,
    /// The address of a server, router or known machine is in the range, so any machine may get it.
    InRange,
    /// The value is given twice.
    Duplicate,
    /// The time is shorter than two minutes or longer than a year.
    OutOfBounds,
    /// Only known machines are served, and there are none.
    NoneKnown,
    /// A machine has its own address, but another DHCP server leases the addresses.
    NotLeasing,
    /// The address is one of IPv6. The configurations are for DHCP over IPv4.
    Ipv6,
    /// The name does not end in `.efi`, and firmware fetches the file by HTTP.
    NotEfi,
    /// Firmware fetches by HTTPS only, and the URL is a plain one.
    NotHttps,
    /// No firmware of the architecture boots by HTTP.
    NoHttpBoot,
}

impl fmt::Display for DhcpProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLong { length, limit } => {
                write!(f, "it has {length} bytes and {limit} are allowed")
            }
            Self::ForbiddenCharacter { character } => {
                write!(f, "the character {character:?} is not allowed")
            }
            Self::Malformed { expected } => write!(f, "expected {expected}"),
            Self::Credentials => f.write_str("it contains credentials"),
            Self::Unreachable => f.write_str("no machine can reach it"),
            Self::TooSmall => f.write_str("it has no room for a server and a machine"),
            Self::OutsideSubnet => f.write_str("the subnet has no such address for machines"),
            Self::Backwards => f.write_str("it ends before it starts"),
            Self::InRange => f.write_str("it is in the range of leased addresses"),
            Self::Duplicate => f.write_str("it is given twice"),
            Self::OutOfBounds => {
                f.write_str("it is shorter than two minutes or longer than a year")
            }
            Self::NoneKnown => f.write_str("only known machines are served, and there are none"),
            Self::NotLeasing => f.write_str("another server leases the addresses"),
            Self::Ipv6 => f.write_str("only DHCP over IPv4 is configured, not DHCPv6"),
            Self::NotHttps => f.write_str("the firmware fetches by HTTPS only"),
            Self::NoHttpBoot => f.write_str("no firmware of this architecture boots by HTTP"),
            Self::NotEfi => {
                f.write_str("its name does not end in .efi, and firmware fetches it by HTTP")
            }
        }
    }
}

impl DhcpProblem {
    /// Tells what to do about the problem of a setting.
    pub(crate) fn hint(self, setting: DhcpSetting) -> &'static str {
        match (self, setting) {
            (Self::Duplicate, _) => "give it once",
            (Self::NoneKnown, _) => "add the machines by their hardware addresses",
            (Self::NotLeasing, _) => "set the address in the server that leases the addresses",
            (Self::Ipv6, _) => {
                "boot the machines over IPv4: beside IPv6, a private subnet such as 10.0.0.0/24 is \
                 enough on the network that they boot from"
            }
            (Self::NotEfi, _) => {
                "give the boot file a name that ends in `.efi`, by which firmware that boots by HTTP \
                 knows a program"
            }
            (Self::NotHttps, _) => {
                "serve the target by HTTPS, give its `https://` URL, and enrol the certificate of the \
                 web server in the firmware of the machines"
            }
            (Self::NoHttpBoot, _) => {
                "leave the architecture out, and let its machines boot by their own firmware"
            }
            (Self::InRange, _) => {
                "choose a range without the addresses of servers, routers and known machines"
            }
            (Self::Credentials, _) => {
                "serve boot files without a password: DHCP would show it to the whole network"
            }
            (Self::Unreachable, _) => "give the address at which machines reach the server",
            (_, DhcpSetting::InterfaceName) => {
                "give the name that `ip link` shows, such as `eno1`: 1 to 15 letters, digits, `-`, \
                 `_` and `.`"
            }
            (_, DhcpSetting::BootUrl) => {
                "give an http, https or tftp URL of at most 127 bytes, of letters, digits and \
                 -._~/:?&=@+%[]"
            }
            (_, DhcpSetting::BootFilePath) => {
                "give a relative path of at most 127 bytes, of file names of letters, digits, `.`, \
                 `_` and `-`"
            }
            (_, DhcpSetting::TftpRoot) => {
                "give an absolute path of letters, digits, `.`, `_`, `-` and `+`"
            }
            (_, DhcpSetting::Subnet) => "give a subnet such as 192.168.1.0/24, at most a /30",
            (_, DhcpSetting::LeaseTime) => {
                "use a time between two minutes and a year; an hour is usual"
            }
            (_, DhcpSetting::Server) => {
                "use kea, dnsmasq or dhcpd; ISC ended dhcpd in 2022, and Kea is its successor"
            }
            _ => "give an address of the subnet, other than its first and its last",
        }
    }
}
