//! Reads, writes and deletes manifests.

mod tag_list;

use bytes::Bytes;
use netboot_core::Sha256Digest;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};

pub(super) use self::tag_list::tags;
use super::answer::{Answered, bounded};
use super::artifact::{self, Entries, Kind, MANIFEST_LIMIT, MANIFEST_TYPE};
use super::client::{Call, Client, is_missing};
use super::error::{answered, transport};
use super::failure::OciFailure;
use crate::error::Error;

/// The media type of an index, a list of manifests.
pub(super) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// An artifact that a tag leads to.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The digest of its manifest.
    pub(super) digest: Sha256Digest,
    pub(super) kind: Kind,
    pub(super) json: Bytes,
    pub(super) entries: Entries,
}

/// The outcome of writing a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// The registry kept a condition: the tag leads to another manifest.
    Conflict,
    /// The registry has lost a blob that the manifest names.
    MissingBlob,
}

/// Reads the artifact of a tag.
///
/// # Errors
/// [`OciFailure::ForeignArtifact`] if netboot did not write it.
pub(super) async fn get(client: &Client, tag: &str) -> Result<Option<Found>, Error> {
    let url = client.url(&format!("manifests/{tag}"));
    let call = Call::new("read", Method::GET, url).accept(MANIFEST_TYPE);
    let response = client.call(&call, is_missing).await?;
    if is_missing(response.status()) {
        return Ok(None);
    }
    let body = bounded(response, MANIFEST_LIMIT).await;
    let body = body.map_err(|error| transport(call.action, &call.url, error))?;
    let entries = body.as_ref().and_then(|json| artifact::entries(json));
    let (Some(json), Some((kind, entries))) = (body, entries) else {
        let failure = OciFailure::ForeignArtifact { tag: tag.to_owned() };
        return Err(Error::oci(call.action, &call.url, failure, "it is no manifest of netboot"));
    };
    Ok(Some(Found { digest: Sha256Digest::of(&json), kind, json, entries }))
}

/// Writes a manifest under a tag, perhaps under a condition.
pub(super) async fn put(
    client: &Client,
    tag: &str,
    json: Bytes,
    condition: Option<(HeaderName, HeaderValue)>,
) -> Result<Written, Error> {
    let url = client.url(&format!("manifests/{tag}"));
    let digest = Sha256Digest::of(&json);
    let mut call = Call::new("write", Method::PUT, url).body(MANIFEST_TYPE, json);
    if let Some((name, value)) = condition {
        call = call.header(name, value);
    }
    let is_answer = |status| {
        [StatusCode::PRECONDITION_FAILED, StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND]
            .contains(&status)
    };
    let (response, repetitions) = client.call_and_count(&call, is_answer).await?;
    if response.status().is_success() {
        return Ok(Written::Done);
    }
    if response.status() == StatusCode::PRECONDITION_FAILED {
        // The registry may have written before, and only its answer was lost. No other publisher
        // writes the same manifest under a condition.
        let is_own =
            repetitions > 0 && get(client, tag).await?.is_some_and(|found| found.digest == digest);
        return Ok(if is_own { Written::Done } else { Written::Conflict });
    }
    let answer = Answered::read(response).await;
    if answer.has("MANIFEST_BLOB_UNKNOWN") || answer.has("BLOB_UNKNOWN") {
        return Ok(Written::MissingBlob);
    }
    Err(answered(call.action, &call.url, answer))
}

/// Writes an index under a tag.
pub(super) async fn put_index(client: &Client, tag: &str, json: Bytes) -> Result<(), Error> {
    let url = client.url(&format!("manifests/{tag}"));
    let call = Call::new("write", Method::PUT, url).body(INDEX_TYPE, json);
    client.call(&call, |_| false).await.map(drop)
}

/// Deletes a manifest with all its tags. One that is gone is no error.
pub(super) async fn delete(client: &Client, digest: &Sha256Digest) -> Result<(), Error> {
    let url = client.url(&format!("manifests/sha256:{digest}"));
    let call = Call::new("delete", Method::DELETE, url);
    let is_answer = |status| is_missing(status) || means_never(status);
    let response = match client.call(&call, is_answer).await {
        Ok(response) => response,
        // Docker's registry also answers 400 while another publisher writes the manifest again, so
        // only the code tells that it does not delete.
        Err(Error::Oci(mut error)) if error.failure.has_code("UNSUPPORTED") => {
            error.failure = OciFailure::CannotDelete;
            return Err(Error::Oci(error));
        }
        Err(error) => return Err(error),
    };
    if !means_never(response.status()) {
        return Ok(());
    }
    let answer = Answered::read(response).await;
    Err(Error::oci(call.action, &call.url, OciFailure::CannotDelete, answer))
}

/// Returns true for the answers of a registry that does not delete: Docker's answers 405 if it is
/// set up so, and others 501.
fn means_never(status: StatusCode) -> bool {
    [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED].contains(&status)
}
