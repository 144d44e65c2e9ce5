//! The connections of the service, within the limits of the configuration.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use netboot_core::CancellationToken;
use netboot_serve::{Notice, Server};
use tokio::net::TcpListener;

use crate::app::App;
use crate::notices::Kind;

/// The name of this part in [`Health`](crate::health::Health).
const PART: &str = "connections";

/// The address of this machine at which a request arrived.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalAddress(pub(super) IpAddr);

/// Accepts connections until `stop` is cancelled. Then completes the current requests.
pub(super) async fn serve(
    app: &Arc<App>,
    listener: TcpListener,
    router: Router,
    stop: &CancellationToken,
) {
    let noticing = app.clone();
    let server = Server::new()
        .with_limits(app.deployment.config.limits.server.clone())
        .on_notice(move |notice| tell(&noticing, &notice));
    let router = TowerToHyperService::new(router);
    let answer = move |mut request: hyper::Request<hyper::body::Incoming>, client| {
        let netboot_serve::Client { peer, local, .. } = client;
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(LocalAddress(local));
        let answered = router.call(request);
        async move { answered.await.unwrap_or_else(|never| match never {}) as Response<Body> }
    };
    server.serve(listener, stop, answer).await;
}

fn tell(app: &App, notice: &Notice) {
    let kind = match notice {
        Notice::Accepted => return app.health.restore(PART),
        Notice::CannotAccept(error) => {
            return app.health.degrade(PART, &format!("cannot accept them: {error}"));
        }
        Notice::SlowRequest { .. } | Notice::SlowReader { .. } => Kind::Slow,
        _ => Kind::Connections,
    };
    if let Some(peer) = notice.peer() {
        app.notices.tell(kind, peer, &notice.to_string());
    }
}
