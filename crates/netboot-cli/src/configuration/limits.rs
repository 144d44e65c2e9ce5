//! The table `[deployer.limits]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The table `[deployer.limits]`: what clients may use of the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct LimitsSection {
    /// The connections of all clients. One address gets half of them.
    pub connections: usize,
    /// The connections of one address. Raise it for machines behind NAT.
    pub connections_per_peer: usize,
    /// The event streams of jobs. One address gets a quarter of them.
    pub event_streams: usize,
    /// The time in seconds to send the headers of a request.
    pub header_seconds: u64,
    /// The time in seconds to send the body of a request.
    pub body_seconds: u64,
    /// The time in seconds for which the service waits for a client that reads less than 1 KiB/s.
    pub stall_seconds: u64,
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
