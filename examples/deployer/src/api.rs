//! The HTTP API for operators and their programs: jobs and releases, in JSON.

mod error;

use std::sync::Arc;

use axum::Router;

use crate::app::App;

pub(crate) use self::error::ApiError;

/// The routes below `/api/jobs` and `/api/releases`.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
}
