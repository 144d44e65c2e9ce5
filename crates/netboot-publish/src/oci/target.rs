//! A repository, as all work on it shares it.

use std::sync::Arc;

use super::client::Client;
use super::index::Index;

/// A repository, with what this process knows about it. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) client: Arc<Client>,
    pub(super) index: Arc<Index>,
    /// Held while artifacts are replaced by others.
    pub(super) changes: Arc<tokio::sync::Mutex<()>>,
    pub(super) compare_and_swap: bool,
}
