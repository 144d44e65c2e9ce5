//! `GET|POST /report`: what machines tell of how far they came.

use std::path::Path;
use std::sync::Arc;

use axum::Router;

use crate::app::App;
use crate::problem::StartError;

/// What machines told, kept in a directory.
#[derive(Debug)]
pub(crate) struct Reports {}

impl Reports {
    /// Reads what is kept in `directory`.
    ///
    /// # Errors
    /// [`StartError::Io`].
    #[expect(clippy::unused_async, reason = "it will read files")]
    pub(crate) async fn open(_directory: &Path) -> Result<Self, StartError> {
        Ok(Self {})
    }
}

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
}
