//! Reads and deletes objects, and defines their headers and versions.

use std::ops::Range;
use std::time::{Instant, SystemTime};

use futures::TryStreamExt;
use netboot_core::{ArtifactReader, Context, ReleasePath, Sha256Digest};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error as S3Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt,
};
use tokio_util::io::StreamReader;

use super::client::Client;
use super::deletion::delete_keys;
use super::failure::S3Failure;
use super::listing;
use super::target::Target;
use crate::error::Error;
use crate::store::{DOCUMENT_LIMIT, Document, Entry, Version};
use crate::web_headers::WebHeaders;

/// The maximum number of keys in a request to delete, a limit of S3.
const DELETE_BATCH: usize = 1000;

/// The number of times that a small object is read from its beginning.
const READS: usize = 3;

/// The headers of the object at `path`.
pub(super) fn attributes(path: &ReleasePath) -> Attributes {
    let WebHeaders { content_type, cache_control } = WebHeaders::of(path);
    Attributes::from_iter([
        (Attribute::ContentType, content_type),
        (Attribute::CacheControl, cache_control),
    ])
}

/// The version of bytes with this digest and this `ETag`. The digest makes the version change with
/// the bytes even if a server gives two contents the same `ETag`.
fn version(digest: &Sha256Digest, etag: Option<&str>) -> Version {
    Version::new(format!("{digest} {}", etag.unwrap_or_default()))
}

/// The `ETag` in a version of this store.
pub(super) fn etag(version: &Version) -> Option<&str> {
    version.as_str().split_once(' ').map(|(_, etag)| etag).filter(|etag| !etag.is_empty())
}

/// A small object that was read.
pub(super) struct ReadObject {
    pub(super) entry: Entry,
    /// `None` if the object is larger than [`DOCUMENT_LIMIT`].
    pub(super) document: Option<Document>,
}

/// Reads a small object.
pub(super) async fn read(target: &Target, path: &ReleasePath) -> Result<Option<Document>, Error> {
    match read_with_entry(target, path).await? {
        None => Ok(None),
        Some(ReadObject { document: Some(document), .. }) => Ok(Some(document)),
        Some(ReadObject { entry, .. }) => {
            let size = entry.size().unwrap_or(u64::MAX);
            Err(Error::TooLarge { path: path.clone(), size, limit: DOCUMENT_LIMIT })
        }
    }
}

/// Reads a small object, and what a request for its entry would tell.
///
/// The client crate resumes an answer that breaks off. It cannot do so if somebody replaced or
/// deleted the object meanwhile, so the object is then read again from its beginning.
pub(super) async fn read_with_entry(
    target: &Target,
    path: &ReleasePath,
) -> Result<Option<ReadObject>, Error> {
    let key = target.keys.key(path);
    let failed = |source| target.client.error("read", &key, source);
    let begin = Instant::now();
    let mut reads = 1;
    loop {
        let answer = match target.client.reads.get(&key).await {
            Ok(answer) => answer,
            Err(S3Error::NotFound { source, .. }) => {
                return not_there(&target.client, &key, source);
            }
            Err(error) => return Err(failed(error)),
        };
        let (size, modified) = (answer.meta.size, SystemTime::from(answer.meta.last_modified));
        let entry = Entry::Object { size, modified };
        if size > DOCUMENT_LIMIT {
            return Ok(Some(ReadObject { entry, document: None }));
        }
        let etag = answer.meta.e_tag.clone();
        match answer.bytes().await {
            Ok(bytes) => {
                let version = version(&Sha256Digest::of(&bytes), etag.as_deref());
                let document = Some(Document { bytes, version });
                return Ok(Some(ReadObject { entry, document }));
            }
            Err(error) if reads < READS && begin.elapsed() < target.client.settings.retry.total => {
                tracing::debug!(%error, "reads an object again from its beginning");
                reads += 1;
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

pub(super) async fn open(
    target: &Target,
    path: &ReleasePath,
    range: Option<Range<u64>>,
) -> Result<Option<ArtifactReader>, Error> {
    let key = target.keys.key(path);
    let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
    match target.client.reads.get_opts(&key, options).await {
        Ok(answer) => {
            let client = target.client.clone();
            let failed = move |source| std::io::Error::other(client.error("read", &key, source));
            let stream = answer.into_stream().map_err(failed);
            Ok(Some(Box::pin(StreamReader::new(stream))))
        }
        Err(S3Error::NotFound { source, .. }) => not_there(&target.client, &key, source),
        Err(error) => Err(target.client.error("read", &key, error)),
    }
}

/// A reader of a part of an object.
pub(super) async fn open_range(
    target: &Target,
    path: &ReleasePath,
    range: Range<u64>,
) -> Result<Option<ArtifactReader>, Error> {
    let opened = if range.is_empty() {
        Ok(None)
    } else {
        let opened = open(target, path, Some(range.clone())).await;
        if opened.is_ok() {
            return opened;
        }
        opened
    };
    // Servers refuse a range without a byte, and some refuse one that ends after the object.
    let paths = std::slice::from_ref(path);
    match listing::stat(target, paths).await?.get(path).and_then(Entry::size) {
        Some(size) if range.is_empty() || range.start >= size => {
            Ok(Some(Box::pin(tokio::io::empty())))
        }
        Some(size) if size < range.end => open(target, path, Some(range.start..size)).await,
        _ => opened,
    }
}

/// A missing object is an answer; a missing bucket is an error.
fn not_there<T>(
    client: &Client,
    key: &Path,
    source: Box<dyn std::error::Error + Send + Sync>,
) -> Result<Option<T>, Error> {
    let bucket = S3Failure::of(source.as_ref()) == S3Failure::NoSuchBucket;
    let path = key.to_string();
    if bucket {
        Err(client.error("read", key, S3Error::NotFound { path, source }))
    } else {
        Ok(None)
    }
}

pub(super) async fn delete(
    target: &Target,
    paths: &[ReleasePath],
    context: &Context,
) -> Result<(), Error> {
    context.check()?;
    let keys: Vec<Path> = paths.iter().map(|path| target.keys.key(path)).collect();
    for batch in keys.chunks(DELETE_BATCH) {
        tokio::select! {
            biased;
            () = context.cancellation().cancelled() => return Err(Error::Cancelled),
            deleted = delete_keys(&target.client, batch) => deleted?,
        }
    }
    Ok(())
}
