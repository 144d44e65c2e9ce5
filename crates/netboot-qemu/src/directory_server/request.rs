//! What a directory server was asked for.

use serde::Serialize;

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Request {
    /// Its method, such as `GET`.
    pub method: String,
    /// Its path as it was sent: percent-encoded, beginning with `/`, without the query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// How many bytes the answer has, where its header says so. A client may have taken fewer.
    pub length: Option<u64>,
}
