//! How settings of a DHCP server are refused.

use std::fmt;

/// What a refused setting is.
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
    /// The subnet that is served.
    Subnet,
    /// The range of addresses to lease.
    AddressRange,
    /// The address of the TFTP server.
    ServerAddress,
    /// The address of a router.
    Router,
    /// The address of a name server.
    NameServer,
    /// How long an address is leased.
    LeaseTime,
    /// A [`KnownMachine`](super::KnownMachine).
    Machine,
    /// A [`DhcpServer`](super::DhcpServer).
    Server,
}

impl fmt::Display for DhcpSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InterfaceName => "interface name",
            Self::BootUrl => "boot URL",
            Self::BootFilePath => "path of a boot file",
            Self::TftpRoot => "TFTP root",
            Self::Subnet => "subnet",
            Self::AddressRange => "address range",
            Self::ServerAddress => "TFTP server's address",
            Self::Router => "router's address",
            Self::NameServer => "name server's address",
            Self::LeaseTime => "lease time",
            Self::Machine => "machine",
            Self::Server => "DHCP server",
        })
    }
}

/// Why a setting was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DhcpProblem {
    /// There is no text.
    Empty,
    /// It is longer than it may be.
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The greatest length allowed, in bytes.
        limit: usize,
    },
    /// A character that a configuration file or a DHCP client reads as something else.
    ForbiddenCharacter {
        /// The character.
        character: char,
    },
    /// It does not have the form that it has to have.
    Malformed {
        /// What was expected, as a noun phrase.
        expected: &'static str,
    },
    /// A URL that carries a user name or a password, which every machine of the network would see.
    Credentials,
    /// An address or URL that means the machine itself, or none.
    Unreachable,
    /// A subnet with no room for a server and a machine.
    TooSmall,
    /// An address that the subnet does not have, or not for a machine.
    OutsideSubnet,
    /// The last address of the range comes before its first.
    Backwards,
    /// The address of a server, router or known machine would be leased to any machine.
    InRange,
    /// It was given twice.
    Duplicate,
    /// Shorter than two minutes or longer than a year.
    OutOfBounds,
    /// Only known machines are to be served, and none is known.
    NoneKnown,
    /// A machine's own address, while another DHCP server leases the addresses.
    NotLeasing,
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
            Self::Credentials => f.write_str("it carries credentials"),
            Self::Unreachable => f.write_str("a machine cannot reach anything there"),
            Self::TooSmall => f.write_str("it has no room for a server and a machine"),
            Self::OutsideSubnet => f.write_str("the subnet has no such address for a machine"),
            Self::Backwards => f.write_str("it ends before it begins"),
            Self::InRange => f.write_str("it would be leased to a machine"),
            Self::Duplicate => f.write_str("it was given twice"),
            Self::OutOfBounds => {
                f.write_str("it is shorter than two minutes or longer than a year")
            }
            Self::NoneKnown => f.write_str("only known machines are served and none is known"),
            Self::NotLeasing => f.write_str("another server leases the addresses"),
        }
    }
}

impl DhcpProblem {
    /// What to do about it, for this setting.
    pub(crate) fn hint(self, setting: DhcpSetting) -> &'static str {
        match (self, setting) {
            (Self::Duplicate, _) => "give it once",
            (Self::NoneKnown, _) => "add the machines by their hardware addresses",
            (Self::NotLeasing, _) => "set the address at the server that leases it",
            (Self::InRange, _) => {
                "lease a range without the addresses of servers, routers and known machines"
            }
            (Self::Credentials, _) => {
                "serve boot files without a password: DHCP shows them to the whole network"
            }
            (Self::Unreachable, _) => "give the address under which machines reach the server",
            (_, DhcpSetting::InterfaceName) => {
                "give the name that `ip link` shows, such as eno1: 1 to 15 letters, digits, `-`, \
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
            (_, DhcpSetting::LeaseTime) => "an hour is usual",
            (_, DhcpSetting::Server) => "give dnsmasq, kea or dhcpd",
            _ => "give addresses of the subnet, between its first and its last",
        }
    }
}
