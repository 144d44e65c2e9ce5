//! The limits of clients.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The number of files that a process opens besides two for each connection.
const OTHER_FILES: u64 = 256;

/// The limits of a server's clients.
///
/// ```
/// use netboot_serve::Limits;
///
/// let limits = Limits { connections: 100, ..Limits::default() };
/// assert_eq!(limits.connections_per_peer, 256);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers make it")]
pub struct Limits {
    /// The maximum number of connections: 2048 by default. One address gets half of them.
    pub connections: usize,
    /// The maximum number of connections from one address: 256 by default.
    pub connections_per_peer: usize,
    /// The time in which a client has to send the line and the headers of a request: 10 seconds by
    /// default.
    pub header: Duration,
    /// The time for which the server waits for a client that reads less than 1 KiB per second: 60
    /// seconds by default.
    pub stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            connections_per_peer: 256,
            header: Duration::from_secs(10),
            stall: Duration::from_secs(60),
        }
    }
}

impl Limits {
    /// The number of connections for which this process may open files. Raises the soft limit of
    /// open files for it, as far as the hard limit allows.
    pub(crate) fn usable_connections(&self) -> usize {
        let wanted = u64::try_from(self.connections).unwrap_or(u64::MAX).saturating_mul(2);
        let wanted = wanted.saturating_add(OTHER_FILES);
        let limit = getrlimit(Resource::Nofile);
        let mut allowed = limit.current.unwrap_or(u64::MAX);
        if allowed < wanted {
            let raised = wanted.min(limit.maximum.unwrap_or(u64::MAX));
            let new = Rlimit { current: Some(raised), maximum: limit.maximum };
            if setrlimit(Resource::Nofile, new).is_ok() {
                allowed = raised;
            }
        }
        // With fewer files than that, a few connections are better than none.
        let usable = allowed.saturating_sub(OTHER_FILES).max(allowed / 4) / 2;
        usize::try_from(usable).unwrap_or(usize::MAX).min(self.connections).max(1)
    }
}
