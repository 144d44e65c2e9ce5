//! The web server: every route, and how it ends.

mod idle;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use netboot_core::CancellationToken;
use tokio::net::TcpListener;

use self::idle::IdleLimit;
use crate::api_error::ApiError;
use crate::app::App;
use crate::{api, boot, hand_over, machines, published, report, status_page};

/// How long nothing may go over a connection. Streams of events say something every 15 seconds.
const IDLE: Duration = Duration::from_secs(90);

/// Every route. Reading needs no token, since machines have none; what changes releases or jobs
/// needs it.
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
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(app)
}

/// Lets no mutating request pass without the token.
async fn require_token(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || app.token.is_shown_by(request.headers()) {
        return next.run(request).await;
    }
    ApiError::unauthorized().into_response()
}

/// Serves until `stop` is cancelled; then takes no more connections, ends the streams that would
/// go on for ever, and lets the requests that are being answered come to their end, within the
/// configured grace.
///
/// # Errors
/// When the listener fails for good.
pub(crate) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let grace = app.deployment.config.grace;
    let shutdown = app.shutdown.clone();
    let stopped = stop.clone();
    // An event is to be seen when it happens. That fails for a connection that is gone already.
    let listener =
        IdleLimit::new(listener, IDLE).tap_io(|connection| drop(connection.set_nodelay()));
    // Reports say where a machine spoke from.
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
        // A client that reads a kernel slowly fetches it again.
        () = too_long => Ok(()),
    }
}
