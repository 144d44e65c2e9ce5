//! Requests that a page of another site makes are refused. Browsers say where a request comes from
//! (`Origin`; Fetch Metadata Request Headers, `Sec-Fetch-Site`). Machines and programs do not.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use url::Url;

use crate::api_error::ApiError;
use crate::app::App;
use crate::hosts::{host_of, parse_host};
use crate::notices::Kind;

/// The routes that record something about a machine although the method is `GET`.
const RECORDING: [&str; 2] = ["/boot", "/report"];

/// Answers only requests that do not come from a page of another site.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let can_follow_links = request.method().is_safe() && !RECORDING.contains(&request.uri().path());
    let has_own_origin = headers
        .get_all(header::ORIGIN)
        .iter()
        .all(|origin| is_own_origin(origin, headers, &app.deployment.url));
    if has_own_origin && (is_from_own_page(headers) || can_follow_links && is_link(headers)) {
        return next.run(request).await;
    }
    app.notices.tell(Kind::CrossSite, peer.ip(), "a page of another site sent a request: refused");
    let hint = "open the status page of this service itself, or use a program such as curl";
    let error = "the request comes from a page of another site";
    ApiError::new(StatusCode::FORBIDDEN, error, hint).into_response()
}

/// Returns true if the origin is this service: by the request's own host, or by the service's URL,
/// which a proxy may have replaced by another host.
fn is_own_origin(origin: &HeaderValue, headers: &HeaderMap, own: &Url) -> bool {
    let Some(origin) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else {
        return false;
    };
    let place = |url: &Url| Some((parse_host(url.host_str()?)?, url.port_or_known_default()?));
    let of_request = || {
        let host = Authority::try_from(headers.get(header::HOST)?.as_bytes()).ok()?;
        let scheme_port = match origin.scheme() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        Some((host_of(&host)?, host.port_u16().unwrap_or(scheme_port)))
    };
    let place_of_origin = place(&origin);
    place_of_origin.is_some() && [of_request(), place(own)].contains(&place_of_origin)
}

fn is_from_own_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    matches!(site, None | Some(b"same-origin" | b"none"))
}

/// Returns true if a person follows a link. The other site cannot read the answer then.
fn is_link(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
    is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_origin_is_accepted() {
        let url = "https://boot.example.org/deployer/".parse().unwrap();
        let own = |origin: &str, host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            is_own_origin(&origin.parse().unwrap(), &headers, &url)
        };
        for (origin, host) in [
            ("http://10.0.0.1:8080", "10.0.0.1:8080"),
            ("http://10.0.0.1", "10.0.0.1"),
            ("https://10.0.0.1", "10.0.0.1:443"),
            ("http://[fd00::1]:8080", "[FD00::1]:8080"),
            ("http://deployer:8080", "DEPLOYER.:8080"),
            ("https://boot.example.org", "127.0.0.1:8080"),
        ] {
            assert!(own(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "10.0.0.1:8080"),
            ("", "10.0.0.1:8080"),
            ("http://10.0.0.1:3000", "10.0.0.1:8080"),
            ("http://evil.example", "10.0.0.1"),
            ("http://boot.example.org", "127.0.0.1:8080"),
            ("file://", "10.0.0.1"),
            ("data:text/html,x", "10.0.0.1"),
        ] {
            assert!(!own(origin, host), "{origin} {host}");
        }
    }
}
