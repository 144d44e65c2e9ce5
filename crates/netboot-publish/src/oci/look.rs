//! Answers questions about many paths with one list of tags.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::ReleasePath;

use super::artifact::Stored;
use super::target::Target;
use super::{blob, file, reading, tag};
use crate::error::Error;
use crate::store::{Answer, DOCUMENT_LIMIT, Document, Entry, Question, Version};

pub(super) async fn look(target: &Target, question: &Question) -> Result<Answer, Error> {
    let (files, objects) = tag::split(question.documents().cloned(), |path| path);
    let entries = question.entries().map(|(path, _)| path);
    let paths: Vec<ReleasePath> = entries.chain(&objects).cloned().collect();
    let client = target.client.as_ref();
    let read = stream::iter(files)
        .map(|(tag, path)| async move {
            let Some(file) = file::get(client, &path, &tag).await? else { return Ok(None) };
            let version = file.version();
            let document = document(target, &file.stored, version).await?;
            Ok::<_, Error>(Some((path, file.stored.entry(), document)))
        })
        .buffer_unordered(client.settings.parallelism);
    let (found, read) =
        futures::future::try_join(reading::find_all(target, &paths), read.try_collect::<Vec<_>>())
            .await?;
    let entry = |(path, stored): (&ReleasePath, &Stored)| (path.clone(), stored.entry());
    let mut entries: BTreeMap<ReleasePath, Entry> = found.iter().map(entry).collect();
    let mut documents = BTreeMap::new();
    for (path, entry, document) in read.into_iter().flatten() {
        documents.extend(document.map(|document| (path.clone(), document)));
        entries.insert(path, entry);
    }
    let found = |path: ReleasePath| found.get(&path).cloned().map(|stored| (path, stored));
    let found: Vec<(ReleasePath, Stored)> = objects.into_iter().filter_map(found).collect();
    let mut reads = stream::iter(found)
        .map(|(path, stored)| async move {
            let document = document(target, &stored, stored.version()).await?;
            Ok::<_, Error>(document.map(|document| (path, document)))
        })
        .buffer_unordered(client.settings.parallelism);
    while let Some(read) = reads.try_next().await? {
        documents.extend(read);
    }
    drop(reads);
    Ok(Answer { entries, documents })
}

/// Reads an object. `None` if it is too large or the registry has lost it.
async fn document(
    target: &Target,
    stored: &Stored,
    version: Version,
) -> Result<Option<Document>, Error> {
    if stored.size > DOCUMENT_LIMIT {
        return Ok(None);
    }
    let bytes = blob::read(&target.client, stored).await?;
    Ok(bytes.map(|bytes| Document { bytes, version }))
}
