//! A network whose own DHCP server says what boots.

use std::fmt;
use std::path::PathBuf;

/// A network that a machine is connected to instead of QEMU's own, for
/// [`Machine::boot_by_dhcp`](crate::Machine::boot_by_dhcp).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkLink {
    /// A tap interface of this machine, such as one that is a port of the bridge where machines
    /// boot; it has to be there, and to be this user's (`ip tuntap add tap0 mode tap user …`).
    Tap {
        /// The interface.
        interface: String,
    },
    /// A pair of Unix datagram sockets that carry Ethernet frames, one each; QEMU makes its own.
    /// It needs QEMU 7.2.
    Sockets {
        /// The path of QEMU's socket.
        local: PathBuf,
        /// The path of the socket that frames are sent to, which has to be there.
        remote: PathBuf,
    },
}

impl fmt::Display for NetworkLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tap { interface } => f.write_str(interface),
            Self::Sockets { remote, .. } => write!(f, "{}", remote.display()),
        }
    }
}
