//! A read-only view of a store over HTTP.

use std::fmt;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::{Bytes, BytesMut};
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use netboot_core::layout::Location;
use netboot_core::{ArtifactReader, ErrorClass, ReleasePath, Sha256Digest};
use netboot_publish::{Entry, Error, Store, WebHeaders};
use percent_encoding::percent_decode_str;
use tokio::io::AsyncReadExt;

use crate::body::ViewBody;
use crate::conditions::{self, Decision};

/// The maximum size in bytes of an object that is read into memory before its answer starts.
const SMALL: usize = 256 * 1024;
/// The time in seconds after which a client may ask again when the target cannot be reached.
const RETRY_SECONDS: u64 = 2;

/// A read-only view of a store, in the layout that machines know, over HTTP/1.1.
///
/// A machine cannot sign requests to a bucket or show a token to a registry. It can boot through a
/// view, which reads the store with the credentials of the program.
///
/// - It answers GET and HEAD, with single ranges (`Range`, `If-Range`), `ETag`, `If-None-Match` and
///   `If-Match`, and the `Content-Type` and `Cache-Control` of [`WebHeaders`].
/// - Small objects, up to 256 KiB, are read whole before the answer starts, so that a pointer that
///   is replaced meanwhile is never torn. Larger ones are streamed through a buffer of 64 KiB.
///   Nothing is cached.
/// - It serves the objects of the store whose names are valid in a [`ReleasePath`], and no
///   listings, links, or objects of the store's own. Everybody who reaches it can read them: give
///   releases a place of their own.
/// - A missing object is 404. If the store cannot be read, the answer is 502, or 503 if it may help
///   to try again. The answer does not tell why; [`on_failure`](Self::on_failure) does. If the
///   store fails in the middle of an object, the connection breaks, and the client can resume.
///
/// [`Server`](crate::Server) has an example.
#[derive(Clone)]
pub struct StoreView {
    store: Arc<dyn Store>,
    on_failure: OnFailure,
}

/// Gets a failure to read the path that a client asked for.
type OnFailure = Arc<dyn Fn(&ReleasePath, Error) + Send + Sync>;

/// A large object, or one of which a part is wanted.
struct Found {
    size: u64,
    tag: String,
    /// The beginning of the object and a reader of the rest, if it was opened.
    opened: Option<(Bytes, ArtifactReader)>,
}

/// The beginning of an object.
enum Beginning {
    Whole(Bytes),
    More(Bytes, ArtifactReader),
}

impl StoreView {
    /// A view of `store`. Nothing is read before the first request.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, on_failure: Arc::new(|_, _| {}) }
    }

    /// Sets the function that gets each failure to read the store, with the path that a client
    /// asked for. By default, nobody gets it.
    #[must_use]
    pub fn on_failure(
        mut self,
        on_failure: impl Fn(&ReleasePath, Error) + Send + Sync + 'static,
    ) -> Self {
        self.on_failure = Arc::new(on_failure);
        self
    }

    /// Answers a request. The path of its URL is the path below the root of the target,
    /// percent-encoded, after one slash.
    pub async fn answer<B>(&self, request: &Request<B>) -> Response<ViewBody> {
        let (method, headers) = (request.method(), request.headers());
        let is_head = method == Method::HEAD;
        if method != Method::GET && !is_head {
            let mut refused = failed(StatusCode::METHOD_NOT_ALLOWED, is_head);
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        let Some(path) = path_of(request.uri().path()) else {
            return failed(StatusCode::NOT_FOUND, is_head);
        };
        match self.object(&path, headers, is_head).await {
            Ok(Some(response)) => response,
            Ok(None) => failed(StatusCode::NOT_FOUND, is_head),
            Err(error) => {
                let is_passing = matches!(
                    error.class(),
                    ErrorClass::Unreachable | ErrorClass::TimedOut | ErrorClass::Conflict
                );
                (self.on_failure)(&path, error);
                if !is_passing {
                    return failed(StatusCode::BAD_GATEWAY, is_head);
                }
                let mut response = failed(StatusCode::SERVICE_UNAVAILABLE, is_head);
                response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS.into());
                response
            }
        }
    }

    async fn object(
        &self,
        path: &ReleasePath,
        headers: &HeaderMap,
        is_head: bool,
    ) -> Result<Option<Response<ViewBody>>, Error> {
        let digest = match Location::parse(path.as_str()) {
            Some(Location::Blob(digest)) => Some(digest),
            _ => None,
        };
        let mut opened = None;
        // Blobs are mostly large, so a part of one is not found out by reading its beginning.
        if digest.is_none() || !(is_head || conditions::has_any(headers)) {
            let Some(reader) = self.open(path).await? else { return Ok(None) };
            match beginning(reader).await.map_err(|error| reading(path, error))? {
                Beginning::Whole(bytes) => {
                    let tag = tag_of(digest.unwrap_or_else(|| Sha256Digest::of(&bytes)));
                    return Ok(Some(whole(path, headers, is_head, &tag, bytes)));
                }
                Beginning::More(first, reader) => opened = Some((first, reader)),
            }
        }
        let entries = self.store.stat(std::slice::from_ref(path)).await?;
        let Some(Entry::Object { size, modified }) = entries.get(path) else { return Ok(None) };
        let by_time = || {
            let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
            format!("\"{size:x}-{:x}\"", since.as_nanos())
        };
        let tag = digest.map_or_else(by_time, tag_of);
        self.large(path, headers, is_head, Found { size: *size, tag, opened }).await
    }

    async fn large(
        &self,
        path: &ReleasePath,
        headers: &HeaderMap,
        is_head: bool,
        found: Found,
    ) -> Result<Option<Response<ViewBody>>, Error> {
        let Found { size, tag, opened } = found;
        let decision = conditions::decide(headers, &tag, size);
        let mut response = head(path, &tag, &decision, size);
        let range = match decision {
            Decision::Whole => 0..size,
            Decision::Part(range) => range,
            _ => return Ok(Some(response)),
        };
        if is_head {
            return Ok(Some(response));
        }
        let (mut first, reader) = match opened {
            Some(opened) if range == (0..size) => opened,
            _ => {
                let opened = if range == (0..size) {
                    self.open(path).await?
                } else {
                    self.store.open_range(path, range.clone()).await?
                };
                let Some(reader) = opened else { return Ok(None) };
                (Bytes::new(), reader)
            }
        };
        let length = range.end - range.start;
        // The object may have been replaced by a shorter one meanwhile.
        first.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        let left = length - first.len() as u64;
        let (view, asked) = (self.clone(), path.clone());
        let on_failure = move |error| (view.on_failure)(&asked, reading(&asked, error));
        *response.body_mut() = ViewBody::streamed(first, reader, left, on_failure);
        Ok(Some(response))
    }

    /// Opens an object. A directory or a link is none.
    async fn open(&self, path: &ReleasePath) -> Result<Option<ArtifactReader>, Error> {
        use netboot_core::Error::{NotAFile, SymbolicLink};
        match self.store.open(path).await {
            Err(Error::Target(NotAFile { .. } | SymbolicLink { .. })) => Ok(None),
            opened => opened,
        }
    }
}

impl fmt::Debug for StoreView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreView").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The path of an object in the path of a URL.
fn path_of(path: &str) -> Option<ReleasePath> {
    let decoded = percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
    ReleasePath::new(decoded).ok()
}

async fn beginning(mut reader: ArtifactReader) -> std::io::Result<Beginning> {
    let mut bytes = BytesMut::new();
    while bytes.len() <= SMALL {
        if reader.read_buf(&mut bytes).await? == 0 {
            return Ok(Beginning::Whole(bytes.freeze()));
        }
    }
    Ok(Beginning::More(bytes.freeze(), reader))
}

fn reading(path: &ReleasePath, source: std::io::Error) -> Error {
    source.downcast().unwrap_or_else(|source| Error::Io {
        action: "read",
        path: path.as_str().into(),
        source,
    })
}

fn tag_of(digest: Sha256Digest) -> String {
    format!("\"{digest}\"")
}

/// The answer with an object in memory, or a part of it.
fn whole(
    path: &ReleasePath,
    headers: &HeaderMap,
    is_head: bool,
    tag: &str,
    bytes: Bytes,
) -> Response<ViewBody> {
    let size = bytes.len() as u64;
    let decision = conditions::decide(headers, tag, size);
    let mut response = head(path, tag, &decision, size);
    let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
    let bytes = match decision {
        Decision::Whole => bytes,
        Decision::Part(range) => bytes.slice(at(range.start)..at(range.end)),
        _ => return response,
    };
    if !is_head {
        *response.body_mut() = ViewBody::whole(bytes);
    }
    response
}

/// The answer without its body.
fn head(path: &ReleasePath, tag: &str, decision: &Decision, size: u64) -> Response<ViewBody> {
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
    headers.extend(HeaderValue::try_from(tag).ok().map(|tag| (ETAG, tag)));
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
fn failed(status: StatusCode, is_head: bool) -> Response<ViewBody> {
    let text = format!("{}\n", status.canonical_reason().unwrap_or_default());
    let length = text.len();
    let body = if is_head { ViewBody::default() } else { ViewBody::whole(text.into()) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
