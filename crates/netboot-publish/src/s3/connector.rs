//! Adds to the client crate's requests: the wait that a busy server asks for, a condition for the
//! completion of a multipart upload, and limits on the bodies of answers.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, StatusCode, header};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

use super::bounded_body::{ANSWER_LIMIT, bounded, whole};

/// The maximum wait for a `Retry-After`.
const LIMIT: Duration = Duration::from_secs(60);

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
#[derive(Debug, Default)]
pub(super) struct Connector(ReqwestConnector);

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Requests(self.0.connect(options)?)))
    }
}

#[derive(Debug)]
struct Requests(HttpClient);

#[async_trait]
impl HttpService for Requests {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if ONLY_IF_ABSENT.try_with(|()| ()).is_ok() {
            request.headers_mut().insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let method = request.method().clone();
        let response = bounded(&method, self.0.execute(request).await?).await?;
        let busy = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
        if busy.contains(&response.status())
            && let Some(wait) = retry_after(&response)
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

/// The seconds of `Retry-After` (RFC 9110, section 10.2.3). `None` for a date: the usual back-off
/// is enough.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = value.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LIMIT))
}
