//! The limits of clients.

use std::time::Duration;

use netboot_cli::Error;
use netboot_cli::configuration::{Configuration, LimitsSection};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The number of files that the service opens besides two for each connection.
const OTHER_FILES: u64 = 256;
/// The highest value of each limit.
const HIGHEST: u64 = 1_000_000;

/// The limits of clients.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// The maximum number of connections.
    connections: usize,
    /// The maximum number of connections from one address.
    pub(crate) connections_per_peer: usize,
    /// The maximum number of event streams. One address gets a quarter of them.
    pub(crate) event_streams: usize,
    /// The time in which a client has to send the line and the headers of a request.
    pub(crate) header: Duration,
    /// The time in which a client has to send the body of a request.
    pub(crate) body: Duration,
    /// The time for which the service waits for a client that does not read.
    pub(crate) stall: Duration,
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

impl Limits {
    /// Checks the table.
    pub(super) fn of(file: &Configuration, section: &LimitsSection) -> Result<Self, Error> {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        for (key, value) in [
            ("connections", count(section.connections)),
            ("connections-per-peer", count(section.connections_per_peer)),
            ("event-streams", count(section.event_streams)),
            ("header-seconds", section.header_seconds),
            ("body-seconds", section.body_seconds),
            ("stall-seconds", section.stall_seconds),
        ] {
            if !(1..=HIGHEST).contains(&value) {
                let hint = format!(
                    "write a number from 1 to {HIGHEST}, or remove the key to use its default"
                );
                let key = format!("deployer.limits.{key}");
                return Err(file.refusal(key, format!("it is {value}"), hint));
            }
        }
        Ok(Self {
            connections: section.connections,
            connections_per_peer: section.connections_per_peer,
            event_streams: section.event_streams,
            header: Duration::from_secs(section.header_seconds),
            body: Duration::from_secs(section.body_seconds),
            stall: Duration::from_secs(section.stall_seconds),
        })
    }
}
