//! Requests that change something need the token. Refused ones are told in the log, and a peer that
//! guesses has to wait.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api_error::ApiError;
use crate::app::App;
use crate::bearer::Shown;
use crate::notices::Kind;

/// Refuses requests that change something and do not show the token. A peer with too many wrong
/// tokens is refused whatever it shows, so that it does not find out if a guess was right.
pub(super) async fn require_token(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let wait = app.guesses.wait(peer.ip());
    if !wait.is_zero() {
        app.notices.tell(Kind::Login, peer.ip(), "refused a change: too many wrong tokens");
        let hint = "wait, and send the token of the service";
        let error = "this address has sent too many wrong tokens";
        let mut answer = ApiError::new(StatusCode::TOO_MANY_REQUESTS, error, hint).into_response();
        let seconds = HeaderValue::from(wait.as_secs() + 1);
        answer.headers_mut().insert(header::RETRY_AFTER, seconds);
        return answer;
    }
    let reason = match app.token.shown_by(request.headers()) {
        Shown::Token => return next.run(request).await,
        Shown::Nothing => "it has no token",
        Shown::Other => "its `Authorization` is not a bearer token",
        Shown::Wrong => {
            app.guesses.count(peer.ip());
            "its token is wrong"
        }
    };
    app.notices.tell(Kind::Login, peer.ip(), &format!("refused a change: {reason}"));
    ApiError::unauthorized().into_response()
}
