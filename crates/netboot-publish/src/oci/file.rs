//! Files that change: pointers and entry points, each with a tag of its own.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{Context, ReleasePath, Sha256Digest};
use reqwest::header::{HeaderName, HeaderValue};

use super::artifact::{Entries, Kind, Stored};
use super::client::Client;
use super::manifests::{self, Written};
use super::writing::{Draft, lost_blob};
use super::{blob, tag};
use crate::error::Error;
use crate::store::Version;

/// A file, and the digest of the manifest that its tag leads to.
#[derive(Debug)]
pub(super) struct File {
    pub(super) stored: Stored,
    pub(super) manifest: Sha256Digest,
}

impl File {
    /// The version of the file: a digest of its bytes and their time, since the manifest has both.
    pub(super) fn version(&self) -> Version {
        Version::new(self.manifest.to_string())
    }
}

/// Reads the file that a tag leads to.
pub(super) async fn get(
    client: &Client,
    path: &ReleasePath,
    tag: &str,
) -> Result<Option<File>, Error> {
    let Some(found) = manifests::get(client, tag).await? else { return Ok(None) };
    let manifest = found.digest;
    let mut entries = found.entries;
    Ok(entries.remove(path).map(|stored| File { stored, manifest }))
}

/// Reads the files of all such tags.
pub(super) async fn list(client: &Client, tags: Vec<String>) -> Result<Entries, Error> {
    let read = stream::iter(tags)
        .map(|tag| async move { manifests::get(client, &tag).await })
        .buffer_unordered(client.settings.parallelism);
    let found: Vec<_> = read.try_collect().await?;
    let entries = found.into_iter().flatten().flat_map(|found| found.entries);
    // A tag has only its own file.
    Ok(entries.filter(|(path, _)| tag::of_file(path).is_some()).collect())
}

/// Writes a file, perhaps under a condition.
pub(super) async fn put(
    client: &Client,
    path: &ReleasePath,
    tag: &str,
    bytes: Bytes,
    condition: Option<(HeaderName, HeaderValue)>,
) -> Result<Written, Error> {
    for forced in [false, true] {
        blob::send_bytes(client, bytes.clone(), forced, &Context::new()).await?;
        let stored = Stored::of_file(bytes.clone(), client.time());
        let entries = Entries::from([(path.clone(), stored)]);
        // A publisher has to know the manifest that it wrote under a condition.
        let mark = condition.is_some().then(|| format!("{:016x}", fastrand::u64(..)));
        let condition = condition.clone();
        let draft = Draft { condition, mark, ..Draft::new(Kind::File, tag, &entries) };
        match draft.write(client).await? {
            Written::MissingBlob => {}
            written => return Ok(written),
        }
    }
    Err(lost_blob(client, tag))
}

/// Deletes a file.
pub(super) async fn delete(client: &Client, path: &ReleasePath, tag: &str) -> Result<(), Error> {
    match get(client, path, tag).await? {
        Some(file) => manifests::delete(client, &file.manifest).await,
        None => Ok(()),
    }
}
