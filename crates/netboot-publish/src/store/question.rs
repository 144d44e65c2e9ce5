//! A question about many paths of a store, and its answer.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{BoxFuture, try_join};
use futures::{StreamExt, stream};
use netboot_core::ReleasePath;

use super::entry::{Document, Entry};
use crate::error::Error;

/// The number of documents that are read at once.
const PARALLEL_READS: usize = 16;

/// Paths to look at, for [`Store::look`](crate::Store::look): the entries of some, and the bytes of
/// others.
///
/// ```
/// use netboot_core::ReleasePath;
/// use netboot_publish::{MemoryStore, Question, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (kernel, pointer) = (ReleasePath::new("blobs/kernel")?, ReleasePath::new("current.ipxe")?);
/// let question = Question::default()
///     .with_entries([(kernel.clone(), Some(9_000_000))])
///     .with_documents([pointer.clone()]);
/// let answer = MemoryStore::new().look(&question).await?;
/// assert!(answer.entries.get(&kernel).is_none());
/// assert!(answer.documents.get(&pointer).is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    entries: BTreeMap<ReleasePath, Option<u64>>,
    documents: BTreeSet<ReleasePath>,
}

impl Question {
    /// Adds paths whose entries are wanted. Each has the size in bytes that the caller expects of
    /// an object there, if it expects one. A store may answer faster where the size is right.
    #[must_use]
    pub fn with_entries(
        mut self,
        entries: impl IntoIterator<Item = (ReleasePath, Option<u64>)>,
    ) -> Self {
        self.entries.extend(entries);
        self
    }

    /// Adds paths of small objects whose bytes are wanted, too.
    #[must_use]
    pub fn with_documents(mut self, documents: impl IntoIterator<Item = ReleasePath>) -> Self {
        self.documents.extend(documents);
        self
    }

    /// The paths of which only the entry is wanted, with the sizes that the caller expects.
    pub fn entries(&self) -> impl Iterator<Item = (&ReleasePath, Option<u64>)> {
        let is_document = |path: &ReleasePath| self.documents.contains(path);
        let entries = self.entries.iter().filter(move |(path, _)| !is_document(path));
        entries.map(|(path, size)| (path, *size))
    }

    /// The paths of which the bytes are wanted.
    pub fn documents(&self) -> impl Iterator<Item = &ReleasePath> {
        self.documents.iter()
    }

    /// All paths, each of them once.
    pub fn paths(&self) -> impl Iterator<Item = &ReleasePath> {
        self.entries().map(|(path, _)| path).chain(&self.documents)
    }

    /// Returns true if anything is asked about this path.
    pub(crate) fn has(&self, path: &ReleasePath) -> bool {
        self.entries.contains_key(path) || self.has_document(path)
    }

    /// Returns true if the bytes at this path are wanted.
    pub(crate) fn has_document(&self, path: &ReleasePath) -> bool {
        self.documents.contains(path)
    }

    /// Selects the answer to this question from an answer that has more.
    pub(crate) fn select(&self, answer: &Answer) -> Answer {
        let entry = |path: &ReleasePath| answer.entries.get_key_value(path);
        let document = |path: &ReleasePath| answer.documents.get_key_value(path);
        let own = |(path, entry): (&ReleasePath, &Entry)| (path.clone(), entry.clone());
        let copy = |(path, document): (&ReleasePath, &Document)| (path.clone(), document.clone());
        Answer {
            entries: self.paths().filter_map(entry).map(own).collect(),
            documents: self.documents().filter_map(document).map(copy).collect(),
        }
    }

    /// Returns true if nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.documents.is_empty()
    }

    /// Answers the question by `stat` of all paths and, at the same time, a `read` of each
    /// document.
    pub(crate) async fn answer_by<'a>(
        &'a self,
        stat: impl Future<Output = Result<BTreeMap<ReleasePath, Entry>, Error>>,
        read: impl Fn(&'a ReleasePath) -> BoxFuture<'a, Result<Option<Document>, Error>>,
    ) -> Result<Answer, Error> {
        let reads: Vec<BoxFuture<'a, _>> = self.documents.iter().map(read).collect();
        let documents = async {
            let reads: Vec<_> = stream::iter(reads).buffered(PARALLEL_READS).collect().await;
            let mut documents = BTreeMap::new();
            for (path, read) in self.documents.iter().zip(reads) {
                match read {
                    Err(error) if error.is_no_document() => {}
                    read => documents.extend(read?.map(|document| (path.clone(), document))),
                }
            }
            Ok(documents)
        };
        let (entries, documents) = try_join(stat, documents).await?;
        Ok(Answer { entries, documents })
    }
}

/// The answer to a [`Question`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores make it")]
pub struct Answer {
    /// The entries at all paths of the question, also at those of documents. Paths without an entry
    /// are left out.
    pub entries: BTreeMap<ReleasePath, Entry>,
    /// The documents. Left out is one that does not exist, that is no object, or that is larger
    /// than [`DOCUMENT_LIMIT`](crate::DOCUMENT_LIMIT): [`Store::read`](crate::Store::read) then
    /// says why.
    pub documents: BTreeMap<ReleasePath, Document>,
}
