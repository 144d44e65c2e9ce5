//! The web server: all routes, the limits of clients, and an orderly end.

mod host;
mod listener;
mod login;
mod origin;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use netboot_core::CancellationToken;
use tokio::net::TcpListener;

use crate::app::App;
use crate::{
    api, attestation, boot, hand_over, health_check, machines, published, report, served_targets,
    status_page,
};

/// All routes. Reading needs no token, because machines have none. Requests that change releases,
/// jobs or what is known about a machine need it.
fn router(app: Arc<App>) -> Router {
    let with_token = api::routes().merge(hand_over::routes());
    let with_token = with_token.layer(from_fn_with_state(app.clone(), login::require_token));
    Router::new()
        .merge(with_token)
        .merge(machines::routes())
        .merge(status_page::routes())
        .layer(from_fn(keep_from_other_sites))
        .merge(boot::routes())
        .merge(report::routes())
        .merge(attestation::routes::routes())
        .layer(from_fn_with_state(app.clone(), origin::check))
        .merge(published::routes())
        .merge(served_targets::routes())
        .merge(health_check::routes())
        .layer(from_fn_with_state(app.clone(), host::check))
        .with_state(app)
}

/// Tells browsers that pages of other sites must not load an answer as an image or a script.
async fn keep_from_other_sites(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Serves until `stop` is cancelled. It then accepts no more connections, ends the endless streams,
/// and completes the current requests within the configured grace time.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, stop: CancellationToken) {
    let grace = app.deployment.config.grace;
    let shutdown = app.shutdown.clone();
    let too_long = async {
        stop.cancelled().await;
        shutdown.cancel();
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        () = listener::serve(&app, listener, router(app.clone()), &stop) => {}
        // A client that is still reading a kernel has to fetch it again.
        () = too_long => {}
    }
}
