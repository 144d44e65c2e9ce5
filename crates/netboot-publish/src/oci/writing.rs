//! Writes artifacts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use netboot_core::{Context, ReleasePath, Sha256Digest};
use reqwest::header::{HeaderName, HeaderValue};

use super::artifact::{self, Entries, Kind, Stored};
use super::client::Client;
use super::failure::OciFailure;
use super::manifest_json::EMPTY;
use super::manifests::{self, Written};
use super::part::{Part, release_of};
use super::target::Target;
use super::{blob, tag};
use crate::error::Error;

/// The time within which a blob may seem lost: Docker's registry empties the link to a blob for a
/// moment when another publisher sends the same blob.
pub(super) const LINK_TIME: Duration = Duration::from_millis(250);

/// An artifact to be written.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) kind: Kind,
    pub(super) tag: &'a str,
    pub(super) entries: &'a Entries,
    /// The entry that becomes the artifact's configuration.
    pub(super) config: Option<&'a ReleasePath>,
    pub(super) condition: Option<(HeaderName, HeaderValue)>,
    /// Makes the manifest unique.
    pub(super) mark: Option<String>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(kind: Kind, tag: &'a str, entries: &'a Entries) -> Self {
        Self { kind, tag, entries, config: None, condition: None, mark: None }
    }

    fn json(&self, client: &Client) -> Result<Bytes, Error> {
        let mark = self.mark.as_deref();
        artifact::to_json(self.kind, self.tag, self.entries, self.config, mark).map_err(|error| {
            let url = client.url(&format!("manifests/{}", self.tag));
            Error::oci("write", &url, OciFailure::Unknown { code: None }, error)
        })
    }

    /// Writes the artifact. Its blobs have to be at the registry.
    pub(super) async fn write(self, client: &Client) -> Result<Written, Error> {
        let json = self.json(client)?;
        self.write_json(client, json).await
    }

    async fn write_json(self, client: &Client, json: Bytes) -> Result<Written, Error> {
        put_patiently(client, self.tag, json, self.condition).await
    }
}

/// Writes a manifest under a tag, and waits for blobs that seem lost.
pub(super) async fn put_patiently(
    client: &Client,
    tag: &str,
    json: Bytes,
    condition: Option<(HeaderName, HeaderValue)>,
) -> Result<Written, Error> {
    for (is_repeated, wait) in [(false, Duration::ZERO), (true, LINK_TIME), (true, LINK_TIME * 4)] {
        let written = manifests::put(client, tag, json.clone(), condition.clone()).await?;
        if written != Written::MissingBlob {
            return Ok(written);
        }
        // The first artifact of a repository lacks the empty configuration. To send it again would
        // make it seem lost to others.
        blob::send_bytes(client, Bytes::from_static(EMPTY), is_repeated, &Context::new()).await?;
        tokio::time::sleep(wait).await;
    }
    manifests::put(client, tag, json, condition).await
}

/// The error of a registry that lost a blob which it had a moment before.
pub(super) fn lost_blob(client: &Client, tag: &str) -> Error {
    let url = client.url(&format!("manifests/{tag}"));
    let problem = "the registry lost a blob while the release was sent";
    Error::oci("write", &url, OciFailure::Corrupted, problem)
}

/// The error of a registry that keeps a damaged blob although it got the right bytes.
pub(super) fn kept_blob(client: &Client, stored: &Stored) -> Error {
    let url = client.url(&format!("blobs/sha256:{}", stored.sha256));
    let problem = "the registry keeps a damaged blob, and does not replace it";
    Error::oci("write", &url, OciFailure::Corrupted, problem)
}

/// Writes a new part of a target, and returns it with its manifest. Returns `None` if the registry
/// has lost a blob.
pub(super) async fn write_part(
    target: &Target,
    kind: Kind,
    entries: Entries,
    config: Option<&ReleasePath>,
) -> Result<Option<(Arc<Part>, Bytes)>, Error> {
    let client = target.client.as_ref();
    let release = entries.keys().find_map(release_of);
    let tag = tag::of_new_part(release.as_ref());
    let draft = Draft { config, ..Draft::new(kind, &tag, &entries) };
    let json = draft.json(client)?;
    if draft.write_json(client, json.clone()).await? != Written::Done {
        return Ok(None);
    }
    let digest = Sha256Digest::of(&json);
    let size_of_release = (kind == Kind::Release).then_some(json.len() as u64);
    let part = Arc::new(Part::new(tag, digest, size_of_release, entries));
    target.index.add(part.clone());
    Ok(Some((part, json)))
}
