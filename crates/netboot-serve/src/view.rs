//! A read-only view of a store over HTTP.

mod object;
mod request;
mod responses;

use std::fmt;
use std::sync::Arc;

use hyper::header::{ALLOW, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use netboot_core::{ErrorClass, ReleasePath};
use netboot_publish::{Error, Store};
use tokio::sync::Semaphore;

use self::request::{Wanted, path_of};
use self::responses::failed;
use crate::body::ViewBody;
use crate::store_limits::StoreLimits;

/// The time in seconds after which a client may ask again when the target cannot be reached.
const RETRY_SECONDS: u64 = 2;

/// A read-only view of a store, in the layout that machines know, over HTTP/1.1.
///
/// A machine cannot sign requests to a bucket or show a token to a registry. It can boot through a
/// view, which reads the store with the credentials of the program.
///
/// - It answers GET and HEAD, with single ranges (`Range`, `If-Range`), `ETag`, `If-None-Match` and
///   `If-Match`, and the `Content-Type` and `Cache-Control` of
///   [`WebHeaders`](netboot_publish::WebHeaders).
/// - An object smaller than 256 KiB is read whole before the answer starts, so that a pointer that
///   is replaced meanwhile is never torn. Of a larger one, a request holds two buffers of 64 KiB at
///   most. Nothing is cached.
/// - A whole blob is compared with the digest in its name: a small one before the answer starts, a
///   large one before its last bytes. A part of a large blob is not compared with anything, so no
///   cache may store it.
/// - Another large object is opened between two looks at its size and time, which have to be equal.
///   If its time is a whole second, as times in buckets and of rsync are, or younger than two
///   seconds, its `ETag` is weak, so that `If-Range` matches nothing.
/// - It serves the objects of the store whose names are valid in a [`ReleasePath`], and no
///   listings, links, or objects of the store's own. Everybody who reaches it can read them: give
///   releases a place of their own.
/// - A missing object is 404. If the store cannot be read, the answer is 502, or 503 if it may help
///   to try again. The answer does not tell why; [`on_failure`](Self::on_failure) does. If the
///   store fails in the middle of an object, the connection breaks, and the client can resume.
/// - [`StoreLimits`] bound the number of open objects and the time that the store gets. A store
///   that fetches a whole object before its first byte, as `RsyncStore` does, fetches it anew for
///   each request. It gets the limits of
///   [`for_whole_fetches`](StoreLimits::for_whole_fetches).
///
/// [`Server`](crate::Server) has an example.
#[derive(Clone)]
pub struct StoreView {
    store: Arc<dyn Store>,
    limits: StoreLimits,
    /// Has a permit for each object that may still be opened.
    open_objects: Arc<Semaphore>,
    on_failure: OnFailure,
}

/// Gets a failure to read the path that a client asked for.
type OnFailure = Arc<dyn Fn(&ReleasePath, Error) + Send + Sync>;

impl StoreView {
    /// A view of `store` with the default [`StoreLimits`]. Nothing is read before the first
    /// request.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let limits = if store.capabilities().partial_reads() {
            StoreLimits::default()
        } else {
            StoreLimits::for_whole_fetches()
        };
        let open_objects = permits(&limits);
        Self { store, limits, open_objects, on_failure: Arc::new(|_, _| {}) }
    }

    /// Sets the limits of the store. All clones of this view share them.
    #[must_use]
    pub fn with_limits(mut self, limits: StoreLimits) -> Self {
        self.open_objects = permits(&limits);
        self.limits = limits;
        self
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
        match self.find(Wanted { path: &path, headers, is_head }).await {
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
}

fn permits(limits: &StoreLimits) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(limits.open_objects.clamp(1, Semaphore::MAX_PERMITS)))
}

impl fmt::Debug for StoreView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreView").field("store", &self.store).finish_non_exhaustive()
    }
}
