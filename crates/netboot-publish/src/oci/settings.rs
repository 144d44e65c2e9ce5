//! The settings of a store in a registry, already checked.

use std::time::Duration;

use url::Url;

use super::reference::Reference;
use crate::retry::Retry;

/// The settings of the connections to a registry.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) reference: Reference,
    /// The URL that all requests start with, with a `/` at its end.
    pub(super) url: Url,
    pub(super) timeout: Duration,
    pub(super) retry: Retry,
    /// The number of requests at once.
    pub(super) parallelism: usize,
}
