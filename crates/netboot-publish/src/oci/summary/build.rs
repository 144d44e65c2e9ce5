//! Writes summaries of parts, and deletes them.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::{Context, layout};

use crate::error::Error;
use crate::oci::artifact::{Entries, Kind, Stored};
use crate::oci::blob;
use crate::oci::client::Client;
use crate::oci::manifests::{self, Written};
use crate::oci::part::{Part, release_of};
use crate::oci::summary::{DOCUMENT_LIMIT, START, SUMMARY_LIMIT, Summary, record};
use crate::oci::target::Target;
use crate::oci::writing::Draft;

/// The number of parts of a summary.
const PARTS: usize = 32;
/// The number of the newest parts that no summary has, since publishers soon replace them.
const YOUNG: usize = 8;

/// Writes a summary if enough parts are without one. It is only a help for readers, so a failure is
/// no error.
pub(in crate::oci) async fn extend(target: &Target) {
    let tags = target.index.without_summary();
    if tags.len() < PARTS + YOUNG {
        return;
    }
    if let Err(error) = write(target, &tags[..PARTS]).await {
        tracing::debug!(%error, "no summary was written");
    }
}

/// Writes a summary of the parts with these tags, or of the first ones that fit into it.
async fn write(target: &Target, tags: &[String]) -> Result<(), Error> {
    let client = target.client.as_ref();
    let (Some(first), mut last) = (tags.first(), None) else { return Ok(()) };
    let records = stream::iter(tags.to_vec())
        .map(|tag| async move {
            let record = read(client, &tag).await?;
            Ok::<_, Error>((tag, record))
        })
        .buffered(client.settings.parallelism);
    let records: Vec<_> = records.try_collect().await?;
    let mut bytes = BytesMut::from(START);
    for (tag, record) in records {
        let record = record.unwrap_or_default();
        // A single part that is too large is left out.
        if (bytes.len() + record.len()) as u64 > SUMMARY_LIMIT {
            if bytes.len() > START.len() {
                break;
            }
        } else {
            bytes.extend_from_slice(&record);
        }
        last = Some(tag);
    }
    let bytes = bytes.freeze();
    let summary = last.and_then(|last| Summary::of(&bytes, first, &last));
    let Some(summary) = summary else { return Ok(()) };
    let tag = summary.tag();
    let stored = Stored {
        sha256: summary.sha256,
        size: bytes.len() as u64,
        // Publishers that write this summary at the same moment write the same bytes.
        modified: UNIX_EPOCH,
        inline: None,
    };
    let Ok(path) = "summary".parse() else { return Ok(()) };
    blob::send_bytes(client, bytes, false, &Context::new()).await?;
    let entries = Entries::from([(path, stored)]);
    if Draft::new(Kind::Summary, &tag, &entries).write(client).await? != Written::Done {
        tracing::debug!(%tag, "the registry has lost the bytes of a summary");
    }
    Ok(())
}

/// Reads what a summary says about a part. `None` for a part that is gone or will be replaced soon.
async fn read(client: &Client, tag: &str) -> Result<Option<Bytes>, Error> {
    let Some(found) = manifests::get(client, tag).await? else { return Ok(None) };
    let mut document = None;
    if let Some(release) = found.entries.keys().find_map(release_of) {
        let stored = |path| found.entries.get(&layout::in_release(&release, &path));
        if stored(layout::incomplete_manifest()).is_some() {
            return Ok(None);
        }
        if let Some(stored) = stored(layout::manifest()).filter(|it| it.size <= DOCUMENT_LIMIT) {
            document = blob::read(client, stored).await?;
        }
    }
    match record(tag, &found.json, document.as_deref()) {
        Ok(record) => Ok(Some(record)),
        Err(error) => {
            tracing::debug!(%error, tag, "a part was not compressed");
            Ok(None)
        }
    }
}

/// Deletes the summaries of parts that are deleted next.
pub(in crate::oci) async fn delete_of(target: &Target, parts: &[Arc<Part>]) -> Result<(), Error> {
    for summary in target.index.summaries_of(parts) {
        let tag = summary.tag();
        if let Some(found) = manifests::get(&target.client, &tag).await? {
            manifests::delete(&target.client, &found.digest).await?;
        }
        target.index.forget_summary(&summary);
    }
    Ok(())
}
