//! Reads the bodies of a server's answers up to a limit.

use std::io;
use std::time::Duration;

use futures::StreamExt;
use http::Method;
use object_store::client::{HttpError, HttpErrorKind, HttpResponse, HttpResponseBody};

/// The most bytes that are kept of an answer that tells an error. The errors of S3 have 1 KB.
const ERROR_LIMIT: usize = 64 * 1024;

/// The longest answer to a request that writes or lists, in bytes. A listing of 1000 keys of 1024
/// bytes, each byte encoded as three, has about 4 MB.
pub(super) const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// The time for the body of an error. What has not come by then is left out.
const ERROR_TIME: Duration = Duration::from_secs(30);

/// Reads the answer to a request of this method, unless it is an object: its reader asks for the
/// bytes itself, and knows how many they are.
///
/// A long body of an error is cut, since its beginning has the code. Every other long body is an
/// error.
pub(super) async fn bounded(
    method: &Method,
    response: HttpResponse,
) -> Result<HttpResponse, HttpError> {
    let is_success = response.status().is_success();
    if is_success && method == Method::GET {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = if is_success {
        HttpResponseBody::from(whole(body, ANSWER_LIMIT).await?)
    } else {
        let begin = beginning(body, ERROR_LIMIT, ERROR_TIME).await;
        HttpResponseBody::from(String::from_utf8_lossy(&begin).into_owned())
    };
    Ok(HttpResponse::from_parts(parts, body))
}

/// Reads a whole body of at most `limit` bytes.
pub(super) async fn whole(body: HttpResponseBody, limit: usize) -> Result<Vec<u8>, HttpError> {
    let (mut read, mut parts) = (Vec::new(), body.bytes_stream());
    while let Some(part) = parts.next().await {
        read.extend_from_slice(&part?);
        if read.len() > limit {
            let problem = format!("the answer has more than {limit} bytes");
            return Err(HttpError::new(HttpErrorKind::Decode, io::Error::other(problem)));
        }
    }
    Ok(read)
}

/// Reads the first `limit` bytes of a body that arrive within `time`.
async fn beginning(body: HttpResponseBody, limit: usize, time: Duration) -> Vec<u8> {
    let (mut read, mut parts) = (Vec::new(), body.bytes_stream());
    let reading = async {
        while let Some(Ok(part)) = parts.next().await {
            read.extend_from_slice(&part);
            if read.len() >= limit {
                break;
            }
        }
    };
    // The status tells the failure, too.
    let _ = tokio::time::timeout(time, reading).await;
    read.truncate(limit);
    read
}
