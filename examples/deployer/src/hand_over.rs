//! `GET /api/machines/{name}/install-plan`: handing a machine over to nixos-anywhere.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
}
