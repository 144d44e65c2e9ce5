//! The web server: all routes, and an orderly end.

mod idle;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use netboot_core::CancellationToken;
use tokio::net::TcpListener;

use self::idle::IdleLimit;
use crate::api_error::ApiError;
use crate::app::App;
use crate::{api, boot, hand_over, health, machines, published, report, status_page};

/// The maximum time without data on a connection. Streams of events send something every 15
/// seconds.
const IDLE: Duration = Duration::from_secs(90);

/// All routes. Reading needs no token, because machines have none. Requests that change releases or
/// jobs need it.
pub(crate) fn router(app: Arc<App>) -> Router {
    let with_token = api::routes().layer(from_fn_with_state(app.clone(), require_token));
    Router::new()
        .merge(with_token)
        .merge(boot::routes())
        .merge(published::routes())
        .merge(report::routes())
        .merge(machines::routes())
        .merge(hand_over::routes())
        .merge(status_page::routes())
        .merge(health::routes())
        .with_state(app)
}

/// Refuses requests that change something and do not show the token.
async fn require_token(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || app.token.is_shown_by(request.headers()) {
        return next.run(request).await;
    }
    ApiError::unauthorized().into_response()
}

/// Serves until `stop` is cancelled. It then accepts no more connections, ends the endless streams,
/// and completes the current requests within the configured grace time.
///
/// # Errors
/// If the listener fails permanently.
pub(crate) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let grace = app.deployment.config.grace;
    let shutdown = app.shutdown.clone();
    let stopped = stop.clone();
    // Without Nagle's delay, events arrive at once. It fails for a connection that is already
    // closed.
    let listener =
        IdleLimit::new(listener, IDLE).tap_io(|connection| drop(connection.set_nodelay()));
    // Reports contain the address from which they came.
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    let too_long = async move {
        stop.cancelled().await;
        shutdown.cancel();
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        result = serving => result,
        // A client that is still reading a kernel has to fetch it again.
        () = too_long => Ok(()),
    }
}
