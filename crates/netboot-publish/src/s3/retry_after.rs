//! Waiting as long as a busy server asks for.

use std::time::Duration;

use async_trait::async_trait;
use http::{StatusCode, header};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// The longest wait that a server can ask for.
const LIMIT: Duration = Duration::from_secs(60);

/// Connects with clients that hold an answer back for the time of its `Retry-After`, so that
/// whoever repeats the request afterwards repeats it late enough: the retries of the client crate
/// follow their own clock only.
#[derive(Debug, Default)]
pub(super) struct RetryAfterConnector(ReqwestConnector);

impl HttpConnector for RetryAfterConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(RetryAfter(self.0.connect(options)?)))
    }
}

#[derive(Debug)]
struct RetryAfter(HttpClient);

#[async_trait]
impl HttpService for RetryAfter {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
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
