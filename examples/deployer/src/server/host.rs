//! Requests for other hosts are refused, so that no page of another site reads this service through
//! a name that its owner points here (DNS rebinding).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::listener::LocalAddress;
use crate::api_error::ApiError;
use crate::app::App;
use crate::hosts::host_of;
use crate::notices::{Kind, printable};

/// Answers only requests that are meant for this service.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(local): Extension<LocalAddress>,
    request: Request,
    next: Next,
) -> Response {
    let stated: Vec<&[u8]> =
        request.headers().get_all(header::HOST).iter().map(AsRef::as_ref).collect();
    // Boot loaders with HTTP/1.0 may send no `Host`. Browsers always do.
    let count_is_right =
        stated.len() == 1 || (stated.is_empty() && request.version() == Version::HTTP_10);
    if !count_is_right {
        let hint = "send one `Host` header with the name or the address of this service";
        let error = format!("the request has {} `Host` headers", stated.len());
        return ApiError::new(StatusCode::BAD_REQUEST, error, hint).into_response();
    }
    // A request to a proxy has a host in its target too (RFC 9112, 3.2.2).
    let target = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let is_own = |text: &[u8]| {
        let host = Authority::try_from(text).ok().and_then(|authority| host_of(&authority));
        host.is_some_and(|host| app.hosts.contain(&host, local.0))
    };
    match stated.into_iter().chain(target).find(|text| !is_own(text)) {
        None => next.run(request).await,
        Some(other) => {
            let other = printable(other);
            let text = format!("asked for the host {other}: refused");
            app.notices.tell(Kind::Host, peer.ip(), &text);
            let hint = "ask for the address on which this service listens, or for the host of its \
                        `url`; add other names of it to `hosts` in its configuration";
            let error = format!("{other} is not a name of this service");
            ApiError::new(StatusCode::MISDIRECTED_REQUEST, error, hint).into_response()
        }
    }
}
