//! Answers a question about many entries and documents at once.

use std::collections::BTreeMap;

use futures::future::try_join;
use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::ReleasePath;

use super::listing;
use super::object::{ReadObject, read_with_entry};
use super::target::Target;
use crate::error::Error;
use crate::store::{Answer, Question};

/// The number of documents that are read at once.
const PARALLEL_READS: usize = 32;

/// Answers a question. The answer to a request for a document tells its entry as well, so only the
/// other entries are looked up.
pub(super) async fn look(target: &Target, question: &Question) -> Result<Answer, Error> {
    let paths: Vec<ReleasePath> = question.entries().map(|(path, _)| path.clone()).collect();
    let documents: Vec<ReleasePath> = question.documents().cloned().collect();
    let (mut entries, read) =
        try_join(listing::stat(target, &paths), read_all(target, documents)).await?;
    let mut documents = BTreeMap::new();
    for (path, ReadObject { entry, document }) in read {
        documents.extend(document.map(|document| (path.clone(), document)));
        entries.insert(path, entry);
    }
    Ok(Answer { entries, documents })
}

async fn read_all(
    target: &Target,
    paths: Vec<ReleasePath>,
) -> Result<Vec<(ReleasePath, ReadObject)>, Error> {
    let reads: Vec<_> = paths.into_iter().map(|path| read_one(target, path)).collect();
    let mut reads = stream::iter(reads).buffer_unordered(PARALLEL_READS);
    let mut read = Vec::new();
    while let Some((path, object)) = reads.try_next().await? {
        read.extend(object.map(|object| (path, object)));
    }
    Ok(read)
}

async fn read_one(
    target: &Target,
    path: ReleasePath,
) -> Result<(ReleasePath, Option<ReadObject>), Error> {
    let read = read_with_entry(target, &path).await?;
    Ok((path, read))
}
