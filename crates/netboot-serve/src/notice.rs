//! The events of a server that an operator wants to know.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// An event of a server.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The server cannot accept connections, for example because too many files are open. It tries
    /// again until it can.
    CannotAccept(io::Error),
    /// The server accepted a connection.
    Accepted,
    /// An idle connection of a client was closed for a new one.
    Evicted {
        /// The address of the client that lost a connection.
        peer: IpAddr,
        /// The limit that was reached.
        limit: ConnectionLimit,
    },
    /// A new connection of a client was refused.
    Refused {
        /// The address of the client.
        peer: IpAddr,
        /// The limit that was reached.
        limit: ConnectionLimit,
    },
    /// A client was disconnected because it did not send its request in time.
    SlowRequest {
        /// The address of the client.
        peer: IpAddr,
        /// The time that it had.
        limit: Duration,
    },
    /// A client was disconnected because it read less than 1 KiB per second.
    SlowReader {
        /// The address of the client.
        peer: IpAddr,
        /// The time that it had.
        limit: Duration,
    },
}

/// A limit of the number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionLimit {
    /// That of one address.
    Address,
    /// That of the server.
    Server,
}

impl Notice {
    /// The address of the client that the event is about.
    pub fn peer(&self) -> Option<IpAddr> {
        match self {
            Self::CannotAccept(_) | Self::Accepted => None,
            Self::Evicted { peer, .. }
            | Self::Refused { peer, .. }
            | Self::SlowRequest { peer, .. }
            | Self::SlowReader { peer, .. } => Some(*peer),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CannotAccept(error) => write!(f, "cannot accept connections: {error}"),
            Self::Accepted => f.write_str("accepted a connection"),
            Self::Evicted { limit: ConnectionLimit::Address, .. } => {
                f.write_str("has too many connections: an idle one is closed")
            }
            Self::Evicted { limit: ConnectionLimit::Server, .. } => f.write_str(
                "the server has no free connection: an idle one of this client is closed",
            ),
            Self::Refused { limit: ConnectionLimit::Address, .. } => {
                f.write_str("has too many connections: a new one is refused")
            }
            Self::Refused { limit: ConnectionLimit::Server, .. } => {
                f.write_str("the server has no free connection: refused")
            }
            Self::SlowRequest { limit, .. } => {
                write!(f, "did not send its request within {limit:?}: disconnected")
            }
            Self::SlowReader { limit, .. } => {
                write!(f, "read less than 1 KiB per second for {limit:?}: disconnected")
            }
        }
    }
}
