//! Sends and reads the blobs of a registry.

mod exact;
mod outgoing;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{ArtifactReader, Context, Sha256Digest, Sha256Hasher, layout};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, LOCATION, RANGE};
use reqwest::{Body, Method, Response, StatusCode};
use tokio::io::AsyncReadExt;
use tokio_util::io::StreamReader;
use url::Url;

use self::exact::Exact;
use self::outgoing::Outgoing;
use super::answer::Answered;
use super::artifact::Stored;
use super::client::{Call, Client, is_missing, is_temporary, odd};
use super::error::answered;
use super::failure::OciFailure;
use crate::error::Error;
use crate::publisher::uploads::upload;
use crate::store::Upload;

const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Sends the bytes of an upload, unless the registry has them. Repeats what fails for a moment. If
/// `forced`, sends them in any case.
///
/// This asks for a blob and does not try to mount it: Docker's registry writes the link to a blob
/// again for a mount, and a reader finds an empty link meanwhile.
pub(super) async fn send(
    client: &Client,
    upload: &Upload,
    forced: bool,
    context: &Context,
) -> Result<(), Error> {
    let begin = Instant::now();
    let mut waits = client.settings.retry.backoffs();
    let sent = Arc::new(AtomicU64::new(0));
    loop {
        let error = match send_once(client, upload, forced, &sent, context).await {
            Ok(()) => {
                upload.progress(upload.artifact().size(), context);
                return Ok(());
            }
            Err(error) => error,
        };
        match waits.next() {
            Some(wait) if is_temporary(&error) && begin.elapsed() < client.settings.retry.total => {
                tracing::debug!(%error, "sends a blob again");
                tokio::time::sleep(wait).await;
            }
            _ => return Err(error),
        }
    }
}

/// Sends a small text.
pub(super) async fn send_bytes(
    client: &Client,
    bytes: Bytes,
    forced: bool,
    context: &Context,
) -> Result<(), Error> {
    let path = layout::blob(&Sha256Digest::of(&bytes));
    send(client, &upload(path, bytes)?, forced, context).await
}

async fn send_once(
    client: &Client,
    upload: &Upload,
    forced: bool,
    sent: &Arc<AtomicU64>,
    context: &Context,
) -> Result<(), Error> {
    let announced = upload.content();
    let has_to_send = forced || client.blobs.was_there(&announced.sha256) == Some(false);
    if !has_to_send && is_there(client, &announced.sha256).await? {
        return Outgoing::new(upload, sent, &Arc::default(), context).check().await;
    }
    let mut url = begin(client).await?;
    url.query_pairs_mut().append_pair("digest", &format!("sha256:{}", announced.sha256));
    let failed = Arc::new(Mutex::new(None));
    let call = Call::new("write", Method::PUT, url)
        .header(CONTENT_TYPE, BYTES)
        .header(CONTENT_LENGTH, HeaderValue::from(announced.size));
    let body = || Outgoing::new(upload, sent, &failed, context).into_body();
    let answer = client.once(&call, body).await;
    let failure = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(error) = failure {
        abandon(client, call.url).await;
        return Err(error);
    }
    let response = answer?;
    if response.status().is_success() {
        client.blobs.note(announced.sha256, true);
        return Ok(());
    }
    Err(answered(call.action, &call.url, Answered::read(response).await))
}

/// Begins to send a blob. Returns the URL to send it to.
async fn begin(client: &Client) -> Result<Url, Error> {
    let url = client.url("blobs/uploads/");
    let call = Call::new("write", Method::POST, url).header(CONTENT_LENGTH, HeaderValue::from(0));
    let response = client.call(&call, |_| false).await?;
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.and_then(|location| client.settings.url.join(location).ok());
    match location {
        Some(location) if location.scheme() == client.settings.url.scheme() => Ok(location),
        Some(_) => Err(odd(
            &call,
            "it named a place for the upload with another scheme: the proxy in front of it has to \
             pass on `X-Forwarded-Proto` and `Host`",
        )),
        None => Err(odd(&call, "it named no place for the upload")),
    }
}

/// Tells the registry that nothing more comes. It would forget the upload by itself after days.
async fn abandon(client: &Client, url: Url) {
    let call = Call::new("cancel", Method::DELETE, url);
    if let Err(error) = client.once(&call, || Body::from(Bytes::new())).await {
        tracing::debug!(%error, "an unfinished upload stays at the registry");
    }
}

/// Opens a blob from `range.start` up to, but not including, `range.end`.
pub(super) async fn open(
    client: &Client,
    stored: &Stored,
    range: Range<u64>,
) -> Result<Option<ArtifactReader>, Error> {
    let range = range.start..range.end.min(stored.size);
    if range.is_empty() {
        return Ok(Some(Box::pin(tokio::io::empty())));
    }
    if let Some(bytes) = &stored.inline {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.slice(at(range.start)..at(range.end));
        return Ok(Some(Box::pin(std::io::Cursor::new(bytes))));
    }
    let is_whole = range == (0..stored.size);
    let url = client.url(&format!("blobs/sha256:{}", stored.sha256));
    let mut call = Call::new("read", Method::GET, url).large();
    if !is_whole {
        let bytes = format!("bytes={}-{}", range.start, range.end - 1);
        let Ok(bytes) = HeaderValue::from_str(&bytes) else {
            return Err(odd(&call, "the range cannot be written"));
        };
        call = call.header(RANGE, bytes);
    }
    let response = client.call(&call, is_missing).await?;
    if is_missing(response.status()) {
        return Ok(None);
    }
    let length = range.end - range.start;
    let skipped = skipped(&response, range.start).ok_or_else(|| odd(&call, "another range"))?;
    let is_framed = response.content_length().is_some();
    let mut reader = StreamReader::new(response.bytes_stream().map_err(std::io::Error::other));
    // A registry may ignore the range and send the blob from its beginning.
    tokio::io::copy(&mut (&mut reader).take(skipped), &mut tokio::io::sink())
        .await
        .map_err(|error| Error::oci(call.action, &call.url, OciFailure::Interrupted, error))?;
    Ok(Some(if is_framed {
        Box::pin(reader.take(length))
    } else {
        // The end of the connection looks like the end of the blob.
        Box::pin(Exact::new(reader, length))
    }))
}

/// The number of bytes before the ones asked for. `None` if the answer begins elsewhere.
fn skipped(response: &Response, start: u64) -> Option<u64> {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Some(start);
    }
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    let first: u64 = range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()?;
    (first == start).then_some(0)
}

/// Reads a whole small blob and checks its digest.
pub(super) async fn read(client: &Client, stored: &Stored) -> Result<Option<Bytes>, Error> {
    if let Some(bytes) = &stored.inline {
        return Ok(Some(bytes.clone()));
    }
    let Some(mut reader) = open(client, stored, 0..stored.size).await? else { return Ok(None) };
    let url = client.url(&format!("blobs/sha256:{}", stored.sha256));
    let mut bytes = Vec::new();
    let read = reader.read_to_end(&mut bytes).await;
    read.map_err(|error| Error::oci("read", &url, OciFailure::Interrupted, error))?;
    if Sha256Digest::of(&bytes) != stored.sha256 {
        let problem = "the bytes have another digest than the one that was asked for";
        return Err(Error::oci("read", &url, OciFailure::Corrupted, problem));
    }
    Ok(Some(bytes.into()))
}

/// Returns true if the registry sends the bytes of a blob as they should be.
pub(super) async fn is_whole(client: &Client, stored: &Stored) -> Result<bool, Error> {
    // The bytes in the manifest are not the ones of the blob.
    let stored = Stored { inline: None, ..stored.clone() };
    let Some(mut reader) = open(client, &stored, 0..stored.size).await? else { return Ok(false) };
    let (mut hasher, mut piece) = (Sha256Hasher::new(), vec![0; 64 * 1024]);
    loop {
        match reader.read(&mut piece).await {
            Ok(0) => break,
            Ok(read) => hasher.update(&piece[..read]),
            Err(_) => return Ok(false),
        }
    }
    Ok(hasher.finish() == (stored.sha256, stored.size))
}

/// Returns the blobs that the repository does not have. Asks for each by a request.
pub(super) async fn missing(
    client: &Client,
    blobs: Vec<Sha256Digest>,
) -> Result<BTreeSet<Sha256Digest>, Error> {
    let asked = stream::iter(blobs)
        .map(|sha256| async move {
            let is_there = is_there(client, &sha256).await?;
            Ok::<_, Error>((!is_there).then_some(sha256))
        })
        .buffer_unordered(client.settings.parallelism);
    let asked: Vec<_> = asked.try_collect().await?;
    Ok(asked.into_iter().flatten().collect())
}

/// Returns true if the repository has a blob, and remembers it.
pub(super) async fn is_there(client: &Client, sha256: &Sha256Digest) -> Result<bool, Error> {
    let url = client.url(&format!("blobs/sha256:{sha256}"));
    let call = Call::new("read", Method::HEAD, url);
    let is_there = !is_missing(client.call(&call, is_missing).await?.status());
    client.blobs.note(*sha256, is_there);
    Ok(is_there)
}
