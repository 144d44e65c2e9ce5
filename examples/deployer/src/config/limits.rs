//! The section `[limits]`: what clients may use of the service.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Deserialize;

use super::error::Problem;

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

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct LimitsSection {
    connections: usize,
    connections_per_peer: usize,
    event_streams: usize,
    header_seconds: u64,
    body_seconds: u64,
    stall_seconds: u64,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            connections: 2048,
            connections_per_peer: 256,
            event_streams: 64,
            header_seconds: 10,
            body_seconds: 30,
            stall_seconds: 60,
        }
    }
}

impl LimitsSection {
    pub(super) fn check(self) -> Result<Limits, Problem> {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        for (key, value) in [
            ("connections", count(self.connections)),
            ("connections-per-peer", count(self.connections_per_peer)),
            ("event-streams", count(self.event_streams)),
            ("header-seconds", self.header_seconds),
            ("body-seconds", self.body_seconds),
            ("stall-seconds", self.stall_seconds),
        ] {
            if !(1..=HIGHEST).contains(&value) {
                let hint = format!(
                    "write a number from 1 to {HIGHEST}, or remove the key to use its default"
                );
                return Err(Problem::new(format!("limits.{key}"), format!("it is {value}"), hint));
            }
        }
        Ok(Limits {
            connections: self.connections,
            connections_per_peer: self.connections_per_peer,
            event_streams: self.event_streams,
            header: Duration::from_secs(self.header_seconds),
            body: Duration::from_secs(self.body_seconds),
            stall: Duration::from_secs(self.stall_seconds),
        })
    }
}
