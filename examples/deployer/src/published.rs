//! `GET /published/…`: the files that machines fetch from the directory with the releases.

use std::io::ErrorKind;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use netboot_core::ReleasePath;
use netboot_publish::WebHeaders;
use netboot_qemu::FilesBeneath;
use tower_http::services::ServeDir;
use tower_http::services::fs::DefaultServeDirFallback;

use crate::app::App;
use crate::health::PUBLISHED;

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new().route("/published/{*path}", get(published))
}

/// Answers with a file, with conditions and ranges. [`ServeDir`] makes its strong entity tags from
/// a file's size and its time to the nanosecond, which fits: only pointers ever change here.
///
/// Only paths of the publishing library are served, and therefore no lock and no file that is being
/// written. The headers are those that the library gives to objects in buckets.
async fn published(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
    request: Request,
) -> Response {
    let Ok(path) = ReleasePath::new(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let files = ServeDir::with_backend("", app.deployment.served_files().clone())
        .append_index_html_on_directories(false);
    let (mut parts, _) = request.into_parts();
    parts.uri = match format!("/{path}").parse() {
        Ok(uri) => uri,
        Err(_) => return StatusCode::NOT_FOUND.into_response(),
    };
    if let Some(condition) = parts.headers.remove(header::IF_RANGE)
        && parts.headers.contains_key(header::RANGE)
    {
        let (mut head, ()) = axum::http::Request::new(()).into_parts();
        (head.method, head.uri) = (Method::HEAD, parts.uri.clone());
        let found = answer(&app, &files, Request::from_parts(head, Body::empty())).await;
        if !is_unchanged(&condition, found.headers()) {
            parts.headers.remove(header::RANGE);
        }
    }
    // Requests for several ranges come from viewers of large documents. A server may answer with
    // the whole file (RFC 9110, 14.2); ServeDir would refuse them.
    if parts.headers.get(header::RANGE).is_some_and(|range| range.as_bytes().contains(&b',')) {
        parts.headers.remove(header::RANGE);
    }
    let mut response = answer(&app, &files, Request::from_parts(parts, Body::empty())).await;
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        let WebHeaders { content_type, cache_control, .. } = WebHeaders::of(&path);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
        if headers.contains_key(header::CONTENT_TYPE) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    response
}

/// The files that are served: no link leads out of their directory, and a file system that hangs is
/// given up on.
type Files = ServeDir<DefaultServeDirFallback, FilesBeneath>;

async fn answer(app: &App, files: &Files, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    match files.clone().try_call(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) if error.kind() == ErrorKind::NotFound => StatusCode::NOT_FOUND.into_response(),
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            app.health.degrade(PUBLISHED, &error.to_string());
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(error) => {
            app.deployment
                .log
                .line(&format!("warning: cannot read the published file `{path}`: {error}"));
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Returns true if the file is still the one of which a client has a part (RFC 9110, 13.1.5).
/// Entity tags are compared strongly, so a weak one never matches. A date matches only if it is
/// exactly the file's.
fn is_unchanged(condition: &HeaderValue, found: &HeaderMap) -> bool {
    let text = condition.as_bytes().trim_ascii();
    let of_file = if text.starts_with(b"\"") { header::ETAG } else { header::LAST_MODIFIED };
    found.get(of_file).is_some_and(|value| value.as_bytes() == text)
}
