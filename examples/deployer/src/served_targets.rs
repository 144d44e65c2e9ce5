//! `GET /targets/<name>/…`: targets of any kind, as machines read them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use netboot_core::SiteName;

use crate::app::App;

/// The time in seconds after which a machine may ask again for a target that cannot be opened.
const RETRY_SECONDS: u64 = 2;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/targets/{name}/{*path}", any(object))
}

async fn object(
    State(app): State<Arc<App>>,
    Path((name, _)): Path<(String, String)>,
    request: Request,
) -> Response {
    let missing = || StatusCode::NOT_FOUND.into_response();
    let Ok(name) = name.parse::<SiteName>() else { return missing() };
    let view = match app.target_views.view(&name).await {
        None => return missing(),
        Some(Ok(view)) => view,
        Some(Err(_)) => {
            let retry = [(header::RETRY_AFTER, RETRY_SECONDS.to_string())];
            return (StatusCode::SERVICE_UNAVAILABLE, retry).into_response();
        }
    };
    // The path below the target, as the client encoded it.
    let below = request.uri().path().splitn(4, '/').nth(3).unwrap_or_default();
    let Ok(uri) = format!("/{below}").parse() else { return missing() };
    let (mut head, _) = request.into_parts();
    head.uri = uri;
    let request = axum::http::Request::from_parts(head, ());
    let answer = view.answer(&request).await;
    if answer.status().is_success() {
        app.target_views.restore();
    }
    answer.map(Body::new)
}
