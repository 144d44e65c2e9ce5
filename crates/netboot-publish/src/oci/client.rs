//! Makes requests to a registry, and repeats those that fail for a moment.
//!
//! The crate `oci-client` has no requests that delete or that write under a condition, reads
//! answers of any length into memory, and does not repeat requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Body, Method, Response, StatusCode};
use url::Url;

use super::answer::Answered;
use super::authorization::{Access, AnsweredWith, Authorization};
use super::blob_memory::BlobMemory;
use super::error::{answered, transport};
use super::failure::OciFailure;
use super::settings::Settings;
use crate::error::Error;
use crate::retry::retry_after;

/// The clients that make requests.
#[derive(Debug)]
pub(super) struct Http {
    /// Follows redirects: registries send readers of blobs to other servers.
    pub(super) reads: reqwest::Client,
    /// Follows none. A redirect could send a secret elsewhere, or make a write a read.
    pub(super) others: reqwest::Client,
}

/// A client for one repository.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) settings: Settings,
    http: Http,
    authorization: Authorization,
    pub(super) blobs: BlobMemory,
    /// The registry's time in seconds since 1970, as its last answer said it. 0: unknown.
    date: AtomicU64,
}

/// A request whose body, if there is one, is small enough to be kept for a repetition.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) action: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    headers: HeaderMap,
    body: Bytes,
    /// True if the answer is large and may take any time, as long as bytes arrive.
    is_large: bool,
}

impl Call {
    pub(super) fn new(action: &'static str, method: Method, url: Url) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { action, method, url, headers, body, is_large: false }
    }

    /// Lets the answer take any time, as long as bytes arrive.
    pub(super) fn large(self) -> Self {
        Self { is_large: true, ..self }
    }

    pub(super) fn accept(self, media_type: &'static str) -> Self {
        self.header(ACCEPT, HeaderValue::from_static(media_type))
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(super) fn body(mut self, media_type: &'static str, body: Bytes) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body = body;
        self
    }
}

impl Client {
    pub(super) fn new(settings: Settings, http: Http, authorization: Authorization) -> Self {
        let (blobs, date) = (BlobMemory::default(), AtomicU64::new(0));
        Self { settings, http, authorization, blobs, date }
    }

    /// The URL of a manifest, a blob or a list of the repository.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.settings.url.clone();
        url.set_path(&format!("{}{path}", self.settings.url.path()));
        url
    }

    /// The registry's time, in whole seconds, as its last answer said it. Without one, this
    /// machine's.
    pub(super) fn time(&self) -> SystemTime {
        let here = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let seconds = match self.date.load(Ordering::Relaxed) {
            0 => here(),
            seconds => seconds,
        };
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Makes a request, and repeats it after a failure that may pass. Returns also the answers that
    /// `is_answer` expects besides a success.
    pub(super) async fn call(
        &self,
        call: &Call,
        is_answer: impl Fn(StatusCode) -> bool,
    ) -> Result<Response, Error> {
        Ok(self.call_and_count(call, is_answer).await?.0)
    }

    /// Returns the number of repetitions as well. The registry may have done what a repeated
    /// request wants before, and its answer was lost.
    pub(super) async fn call_and_count(
        &self,
        call: &Call,
        is_answer: impl Fn(StatusCode) -> bool,
    ) -> Result<(Response, usize), Error> {
        let mut repetitions = 0;
        let begin = Instant::now();
        let mut waits = self.settings.retry.backoffs();
        loop {
            let (error, after) = match self.once(call, || Body::from(call.body.clone())).await {
                Ok(response) if response.status().is_success() || is_answer(response.status()) => {
                    return Ok((response, repetitions));
                }
                Ok(response) => {
                    let after = retry_after(response.headers());
                    (answered(call.action, &call.url, Answered::read(response).await), after)
                }
                Err(error) => (error, None),
            };
            match waits.next() {
                Some(wait)
                    if is_temporary(&error) && begin.elapsed() < self.settings.retry.total =>
                {
                    tracing::debug!(%error, "repeats a request to a registry");
                    tokio::time::sleep(after.unwrap_or(wait)).await;
                    repetitions += 1;
                }
                _ => return Err(error),
            }
        }
    }

    /// Makes a request once, and once more with an answer to the registry's challenge.
    pub(super) async fn once(
        &self,
        call: &Call,
        body: impl Fn() -> Body,
    ) -> Result<Response, Error> {
        let access = Access::of(&call.method);
        let is_ours = self.is_ours(&call.url);
        let is_read = is_ours && access == Access::Pull;
        let http = if is_read { &self.http.reads } else { &self.http.others };
        let mut answer = None;
        loop {
            let mut request = http.request(call.method.clone(), call.url.clone());
            request = request.headers(call.headers.clone());
            if call.method != Method::GET {
                request = request.body(body());
            }
            if !call.is_large {
                request = request.timeout(self.time_limit(call));
            }
            let used = self.authorization.header(access).filter(|_| is_ours);
            if let Some(header) = &used {
                request = request.header(AUTHORIZATION, header);
            }
            let response = request.send().await;
            let response = response.map_err(|error| transport(call.action, &call.url, error))?;
            // The registry may have sent the client to another server, which must not ask for the
            // login.
            if !self.is_ours(response.url()) {
                return Ok(response);
            }
            self.note_date(&response);
            if response.status() != StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            match answer {
                None => {
                    let http = &self.http.others;
                    answer = Some(
                        self.authorization.answer(http, access, used.as_ref(), response).await?,
                    );
                }
                Some(AnsweredWith::Login) => return Ok(response),
                Some(AnsweredWith::Token(failure)) => {
                    let answer = Answered::read(response).await;
                    return Err(Error::oci(call.action, &call.url, failure, answer));
                }
            }
        }
    }

    /// Returns true if a URL is one of the registry.
    fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.settings.url.origin()
    }

    /// The time for a request: the setting, and as much longer as a body takes at 0.2 Mbit/s.
    fn time_limit(&self, call: &Call) -> Duration {
        let length = call.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let length: u64 = length.and_then(|length| length.parse().ok()).unwrap_or_default();
        self.settings.timeout + Duration::from_secs(length / 25_000)
    }

    fn note_date(&self, response: &Response) {
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        if let Some(since) = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()) {
            self.date.fetch_max(since.as_secs(), Ordering::Relaxed);
        }
    }
}

/// Returns true if the same request may succeed a moment later.
pub(super) fn is_temporary(error: &Error) -> bool {
    matches!(error, Error::Oci(error) if error.failure.is_temporary())
}

/// Returns true if the registry knows nothing under the name.
pub(super) fn is_missing(status: StatusCode) -> bool {
    status == StatusCode::NOT_FOUND
}

/// The error of an answer without the headers or the form that the specification demands.
pub(super) fn odd(call: &Call, problem: &'static str) -> Error {
    Error::oci(call.action, &call.url, OciFailure::NotARegistry, problem)
}
