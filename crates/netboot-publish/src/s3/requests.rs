//! What the client crate's requests lack: waiting as long as a busy server asks for, and a
//! condition on the completion of a multipart upload.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderValue, StatusCode, header};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// The longest wait that a server can ask for.
const LIMIT: Duration = Duration::from_secs(60);

tokio::task_local! {
    /// Set while a task makes requests that must not replace anything.
    static ONLY_IF_ABSENT: ();
}

/// Adds `If-None-Match: *` to the requests of `work`, which are those of one call of the client
/// crate. A condition need not be signed: only `host` and `x-amz-*` must be.
pub(super) async fn only_if_absent<F: Future>(work: F) -> F::Output {
    ONLY_IF_ABSENT.scope((), work).await
}

/// Connects with clients that hold an answer back for the time of its `Retry-After`, so that
/// whoever repeats the request afterwards repeats it late enough: the retries of the client crate
/// follow their own clock only.
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
        let response = self.0.execute(request).await?;
        let busy = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
        if busy.contains(&response.status())
            && let Some(wait) = retry_after(&response)
        {
            tokio::time::sleep(wait).await;
        }
        Ok(response)
    }
}

/// The seconds of `Retry-After` (RFC 9110, section 10.2.3); a date, which it may also be, is left
/// to the usual back-off.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = value.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LIMIT))
}
