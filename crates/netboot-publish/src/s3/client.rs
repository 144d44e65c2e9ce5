//! The clients of a bucket: those of the client crate, and signed requests for which the client
//! crate has no call.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpClient, HttpErrorKind, HttpRequestBody};
use object_store::path::Path;
use url::Url;

use super::batch::{self, BatchError};
use super::bounded_body::{ANSWER_LIMIT, whole};
use super::error::request_error;
use super::settings::Settings;
use crate::error::Error;

/// The clients of a bucket. Each has its own connections.
pub(super) struct Client {
    /// For reading: no limit on the time of an answer, as long as bytes arrive.
    pub(super) reads: AmazonS3,
    /// For writing: a limit on the time of each request.
    pub(super) writes: AmazonS3,
    /// True once the server has failed to delete many objects with one request.
    pub(super) lacks_batches: AtomicBool,
    pub(super) settings: Arc<Settings>,
    http: HttpClient,
}

impl Client {
    pub(super) fn new(settings: Arc<Settings>) -> Result<Self, Error> {
        let failed = |source: object_store::Error| {
            request_error("connect to", settings.bucket_url.to_string(), source)
        };
        let reads = settings.reads().map_err(failed)?;
        let writes = settings.writes().map_err(failed)?;
        let http = settings.http().map_err(failed)?;
        let lacks_batches = AtomicBool::new(false);
        Ok(Self { reads, writes, lacks_batches, settings, http })
    }

    /// Returns true if the server deletes many objects with one request, as far as is known.
    pub(super) fn deletes_batches(&self) -> bool {
        self.settings.batch_delete && !self.lacks_batches.load(Ordering::Relaxed)
    }

    /// The URL of a key, for messages.
    pub(super) fn url(&self, key: &Path) -> Url {
        self.settings.url(key)
    }

    /// Makes an error from one of the client crate, for a request to a key.
    pub(super) fn error(
        &self,
        action: &'static str,
        key: &Path,
        source: object_store::Error,
    ) -> Error {
        request_error(action, self.url(key).to_string(), source)
    }

    /// Sends a GET to the bucket itself and returns the body of the answer.
    pub(super) async fn get_bucket(&self, query: &[(&str, &str)]) -> Result<Bytes, Error> {
        let mut url = self.settings.bucket_url.clone();
        url.query_pairs_mut().extend_pairs(query);
        let answer = self.repeat(|| self.try_request(Method::GET, &url, HeaderMap::new(), None));
        let failed = |failure| request_error("list", self.settings.bucket_url.to_string(), failure);
        answer.await.map_err(failed)
    }

    /// Deletes many objects with one request, and returns the keys of those that the server did not
    /// delete.
    ///
    /// The client crate has such a call, but panics on answers of servers that lie.
    pub(super) async fn delete_batch(&self, keys: &[Path]) -> Result<Vec<Path>, BatchFailure> {
        let mut url = self.settings.bucket_url.clone();
        url.set_query(Some("delete="));
        let body = batch::request(keys)?;
        let headers = batch::headers(&body, self.settings.checksums);
        let send = || self.try_request(Method::POST, &url, headers.clone(), Some(body.clone()));
        let answer = self.repeat(send).await?;
        Ok(batch::not_deleted(keys, &answer)?)
    }

    /// Writes an object with the checksum of another one. Returns true if the server refuses it.
    /// The request is made once: a server that fails otherwise is not known to check.
    pub(super) async fn refuses_wrong_checksum(&self, key: &Path) -> bool {
        let headers = HeaderMap::from_iter(batch::sha256(b"another text"));
        let content = Some("a text".to_owned());
        match self.try_request(Method::PUT, &self.url(key), headers, content).await {
            // S3 answers 400 (`BadDigest`, `XAmzContentChecksumMismatch`). Other refusals, such as
            // those of a policy, say nothing about the content.
            Err(RequestFailure::Status { status, .. }) => status == StatusCode::BAD_REQUEST,
            Ok(_) | Err(_) => false,
        }
    }

    /// Makes a request that may be repeated, and repeats it.
    async fn repeat<F>(&self, request: impl Fn() -> F) -> Result<Bytes, RequestFailure>
    where
        F: Future<Output = Result<Bytes, RequestFailure>>,
    {
        let begin = Instant::now();
        let mut retries = self.settings.retry.backoffs();
        loop {
            let failure = match request().await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            match retries.next() {
                Some(wait) if failure.may_pass() && begin.elapsed() < self.settings.retry.total => {
                    tokio::time::sleep(wait).await;
                }
                _ => return Err(failure),
            }
        }
    }

    async fn try_request(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        content: Option<String>,
    ) -> Result<Bytes, RequestFailure> {
        let body = content.map_or_else(HttpRequestBody::empty, HttpRequestBody::from);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse().map_err(RequestFailure::Uri)?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        if !self.settings.is_anonymous() {
            let credentials = self.reads.credentials().get_credential().await;
            let credentials = credentials.map_err(RequestFailure::Credentials)?;
            AwsAuthorizer::new(&credentials, "s3", &self.settings.region)
                .try_authorize(&mut request, None)
                .map_err(RequestFailure::Credentials)?;
        }
        let response = self.http.execute(request).await.map_err(RequestFailure::Http)?;
        let status = response.status();
        let region = response.headers().get("x-amz-bucket-region").cloned();
        let body = whole(response.into_body(), ANSWER_LIMIT).await;
        let body = body.map_err(RequestFailure::Http)?;
        if status.is_success() {
            return Ok(body.into());
        }
        let mut body = String::from_utf8_lossy(&body).into_owned();
        if let Some(region) = region.as_ref().and_then(|region| region.to_str().ok()) {
            body.extend(["<Region>", region, "</Region>"]);
        }
        Err(RequestFailure::Status { status, body })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The reason why a batch of objects was not deleted.
#[derive(Debug, thiserror::Error)]
pub(super) enum BatchFailure {
    #[error(transparent)]
    Request(#[from] RequestFailure),
    #[error(transparent)]
    Answer(#[from] BatchError),
}

/// The reason why a request that was signed here failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestFailure {
    #[error("the address is not valid")]
    Uri(#[source] http::uri::InvalidUri),
    #[error("the request cannot be signed")]
    Credentials(#[source] object_store::Error),
    #[error("no answer arrived")]
    Http(#[source] object_store::client::HttpError),
    /// The text has the words of the client crate, so that `S3Failure` recognizes both.
    #[error("the server answered with status code: {status}: {body}")]
    Status { status: StatusCode, body: String },
}

impl RequestFailure {
    /// The failure of a server that has no conditional writes, in the words of S3.
    pub(super) fn without_conditions() -> Self {
        let body = "<Code>NotImplemented</Code>".to_owned();
        Self::Status { status: StatusCode::NOT_IMPLEMENTED, body }
    }

    /// Returns true if the request may succeed when it is repeated. Each has the same effect
    /// twice as once.
    fn may_pass(&self) -> bool {
        match self {
            Self::Uri(_) | Self::Credentials(_) => false,
            Self::Http(error) => !matches!(error.kind(), HttpErrorKind::Decode),
            Self::Status { status, .. } => {
                let passing = [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT];
                status.is_server_error() || passing.contains(status)
            }
        }
    }
}
