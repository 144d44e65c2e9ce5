//! Adds to the client crate's requests: the wait that a busy server asks for, a condition for the
//! completion of a multipart upload, limits on the bodies of answers, and errors that name the
//! server to which another one redirects.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpService, ReqwestConnector,
};
use url::Url;

use super::bounded_body::{ANSWER_LIMIT, bounded, whole};
use super::redirect::{self, Bucket};
use crate::retry::retry_after;

/// The maximum length of the name of a server's software, in characters.
const SOFTWARE_LIMIT: usize = 100;

tokio::task_local! {
    /// Set while a task makes requests that must not replace an object.
    static ONLY_IF_ABSENT: ();
}

/// Adds `If-None-Match: *` to the requests of `work`, one call of the client crate. The signature
/// need not cover this header: only `host` and `x-amz-*` must be signed.
pub(super) async fn only_if_absent<F: Future>(work: F) -> F::Output {
    ONLY_IF_ABSENT.scope((), work).await
}

/// Connects with clients that delay an answer by its `Retry-After`. The client crate ignores this
/// header, and now repeats the request late enough.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    /// Makes requests for the bucket, and follows no redirect.
    client: HttpClient,
    bucket_url: Url,
    bucket: Bucket,
    /// Gets the name of the server's software.
    software: Arc<OnceLock<String>>,
}

impl Connector {
    pub(super) fn new(
        client: reqwest::Client,
        bucket_url: &Url,
        bucket: Bucket,
        software: Arc<OnceLock<String>>,
    ) -> Self {
        let client = HttpClient::new(client);
        Self { client, bucket_url: bucket_url.clone(), bucket, software }
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let (of_bucket, options) = (self.clone(), options.clone());
        Ok(HttpClient::new(Requests { of_bucket, options, others: OnceLock::new() }))
    }
}

#[derive(Debug)]
struct Requests {
    of_bucket: Connector,
    options: ClientOptions,
    /// Makes requests for other URLs, such as for the keys of an instance, and follows redirects.
    others: OnceLock<HttpClient>,
}

impl Requests {
    fn others(&self) -> Result<&HttpClient, HttpError> {
        if let Some(client) = self.others.get() {
            return Ok(client);
        }
        let made = ReqwestConnector::default().connect(&self.options);
        let made = made.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        Ok(self.others.get_or_init(|| made))
    }

    /// Returns the URL of a request for the bucket.
    fn url_in_bucket(&self, url: &Uri) -> Option<Url> {
        let url = Url::parse(&url.to_string()).ok()?;
        (url.origin() == self.of_bucket.bucket_url.origin()).then_some(url)
    }

    /// Makes a request. If the server redirects a request that only reads, it may send machines to
    /// URLs that need no signature, and this goes there. Otherwise the answer becomes an error.
    async fn execute(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let Some(url) = self.url_in_bucket(request.uri()) else {
            return self.others()?.execute(request).await;
        };
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let response = self.of_bucket.client.execute(request).await?;
        self.of_bucket.software.get_or_init(|| software(&response));
        let Some(location) = redirect::location(&response) else { return Ok(response) };
        if [Method::GET, Method::HEAD].contains(&method)
            && let Some(place) = redirect::place(location, &url)
            && let Ok(place) = place.as_str().parse()
            && let Ok(followed) = self.others()?.execute(unsigned(method, place, headers)).await
            && redirect::is_answer(followed.status())
        {
            return Ok(followed);
        }
        Ok(redirect::as_error(response, &url, &self.of_bucket.bucket))
    }
}

/// The name of the software that answers: the header `Server`, which may be missing.
fn software(response: &HttpResponse) -> String {
    let name = response.headers().get(header::SERVER).and_then(|name| name.to_str().ok());
    name.unwrap_or_default().chars().take(SOFTWARE_LIMIT).collect()
}

/// Makes a request for another server, without what proves to the first one who asks.
fn unsigned(method: Method, place: Uri, mut headers: HeaderMap) -> HttpRequest {
    let is_own =
        |name: &HeaderName| *name == header::AUTHORIZATION || name.as_str().starts_with("x-amz-");
    let own: Vec<HeaderName> = headers.keys().filter(|name| is_own(name)).cloned().collect();
    for name in own.into_iter().chain([header::HOST]) {
        headers.remove(name);
    }
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, place, headers);
    request
}

#[async_trait]
impl HttpService for Requests {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if ONLY_IF_ABSENT.try_with(|()| ()).is_ok() {
            request.headers_mut().insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let method = request.method().clone();
        let response = bounded(&method, self.execute(request).await?).await?;
        let busy = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
        if busy.contains(&response.status())
            && let Some(wait) = retry_after(response.headers())
        {
            tokio::time::sleep(wait).await;
        }
        if response.status() == StatusCode::NOT_IMPLEMENTED {
            lasting(response).await
        } else {
            Ok(response)
        }
    }
}

/// Gives an answer 501 a status that the client crate does not try again: what a server does not
/// implement, it does not implement a second later.
async fn lasting(response: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (mut parts, body) = response.into_parts();
    parts.status = StatusCode::BAD_REQUEST;
    let mut text = b"<Code>NotImplemented</Code>".to_vec();
    text.extend(whole(body, ANSWER_LIMIT).await?);
    Ok(HttpResponse::from_parts(parts, text.into()))
}
