//! The limits of clients.

use std::time::Duration;

use netboot_cli::Error;
use netboot_cli::configuration::{Configuration, LimitsSection};

/// The highest value of each limit.
const HIGHEST: u64 = 1_000_000;

/// The limits of clients.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// The limits of connections.
    pub(crate) server: netboot_serve::Limits,
    /// The maximum number of event streams. One address gets a quarter of them.
    pub(crate) event_streams: usize,
    /// The time in which a client has to send the body of a request.
    pub(crate) body: Duration,
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
            server: netboot_serve::Limits {
                connections: section.connections,
                connections_per_peer: section.connections_per_peer,
                header: Duration::from_secs(section.header_seconds),
                stall: Duration::from_secs(section.stall_seconds),
            },
            event_streams: section.event_streams,
            body: Duration::from_secs(section.body_seconds),
        })
    }
}
