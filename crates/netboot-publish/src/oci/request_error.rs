//! The error of one request to a registry.

use super::failure::OciFailure;

/// A request to a registry failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{url}`: {failure}")]
#[non_exhaustive]
pub struct OciError {
    /// The failed action, as a verb.
    pub action: &'static str,
    /// The URL of the request, without its query.
    pub url: String,
    /// The kind of failure, as far as the registry reveals it.
    pub failure: OciFailure,
    /// The registry's answer, or the client's own error.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
