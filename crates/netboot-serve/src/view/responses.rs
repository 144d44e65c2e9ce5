//! The answers of a view.

use bytes::Bytes;
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use netboot_core::ReleasePath;
use netboot_publish::WebHeaders;

use super::request::Wanted;
use crate::body::ViewBody;
use crate::conditions::Decision;
use crate::tag::Tag;

/// For answers that no cache may keep.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The answer with an object in memory, or a part of it.
pub(super) fn whole(wanted: Wanted<'_>, tag: &Tag, bytes: Bytes) -> Response<ViewBody> {
    let size = bytes.len() as u64;
    let decision = wanted.decide(tag, size);
    let mut response = head(wanted.path, tag, &decision, size);
    let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
    let bytes = match decision {
        Decision::Whole => bytes,
        Decision::Part(range) => bytes.slice(at(range.start)..at(range.end)),
        _ => return response,
    };
    if !wanted.is_head {
        *response.body_mut() = ViewBody::whole(bytes);
    }
    response
}

/// The answer without its body.
pub(super) fn head(
    path: &ReleasePath,
    tag: &Tag,
    decision: &Decision,
    size: u64,
) -> Response<ViewBody> {
    let (status, length) = match decision {
        Decision::Whole => (StatusCode::OK, Some(size)),
        Decision::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range.end - range.start)),
        Decision::NotModified => (StatusCode::NOT_MODIFIED, None),
        Decision::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, Some(0)),
        Decision::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, Some(0)),
    };
    let mut response = Response::new(ViewBody::default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let WebHeaders { content_type, cache_control, .. } = WebHeaders::of(path);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.extend(HeaderValue::try_from(tag.to_string()).ok().map(|tag| (ETAG, tag)));
    headers.extend(length.map(|length| (CONTENT_LENGTH, length.into())));
    let range = match decision {
        Decision::Part(range) => format!("bytes {}-{}/{size}", range.start, range.end - 1),
        Decision::Unsatisfiable => format!("bytes */{size}"),
        _ => String::new(),
    };
    if !range.is_empty() {
        headers.extend(HeaderValue::try_from(range).ok().map(|range| (CONTENT_RANGE, range)));
    }
    if matches!(decision, Decision::Whole | Decision::Part(_) | Decision::NotModified) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    }
    if matches!(decision, Decision::Whole | Decision::Part(_)) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// An answer without an object. Its text is that of its status, and nothing about the store.
pub(super) fn failed(status: StatusCode, is_head: bool) -> Response<ViewBody> {
    let text = format!("{}\n", status.canonical_reason().unwrap_or_default());
    let length = text.len();
    let body = if is_head { ViewBody::default() } else { ViewBody::whole(text.into()) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
