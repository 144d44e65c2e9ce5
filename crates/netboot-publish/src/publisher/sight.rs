//! A view of a target that asks for everything an operation needs with its first question.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{ArtifactReader, Context, ReleasePath};
use tokio::sync::Mutex;

use crate::error::Error;
use crate::store::{Answer, Document, Entry, Question, Store, StoreLock, Swap, Upload, Version};
use crate::store_layer::StoreLayer;

/// The age up to which an answer tells the state of the target at the moment of a swap. Between an
/// answer and a swap, a publisher only computes.
const RECENT: Duration = Duration::from_secs(2);

/// A layer that answers `stat` and `read` of the paths of one question from the answer to all of
/// it. It asks again after everything that may change the answer: after this publisher changed
/// something, and after it acquired a lock that other publishers may have held before.
#[derive(Debug)]
pub(crate) struct Sight {
    inner: Arc<dyn Store>,
    question: Question,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// The question has to be asked.
    Unknown,
    Seen {
        answer: Arc<Answer>,
        asked: Instant,
        answered: Instant,
    },
    /// The operation replaced the pointer, and needs no more answers to this question.
    Over,
}

impl Sight {
    /// A view of `inner` that asks `question`.
    pub(crate) fn new(inner: Arc<dyn Store>, question: Question) -> Self {
        Self { inner, question, state: Mutex::new(State::Unknown) }
    }

    /// The store behind the view.
    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.inner
    }

    /// The moment when the target was asked for what is known of it now; this moment if nothing is
    /// known.
    pub(crate) async fn began(&self) -> Instant {
        match &*self.state.lock().await {
            State::Seen { asked, .. } => *asked,
            State::Unknown | State::Over => Instant::now(),
        }
    }

    /// Forgets the answer.
    pub(crate) async fn forget(&self) {
        let mut state = self.state.lock().await;
        if !matches!(*state, State::Over) {
            *state = State::Unknown;
        }
    }

    /// Forgets the answer, unless it was given just now.
    pub(crate) async fn forget_unless_recent(&self) {
        let mut state = self.state.lock().await;
        if matches!(&*state, State::Seen { answered, .. } if answered.elapsed() > RECENT) {
            *state = State::Unknown;
        }
    }

    /// The answer to the question; `None` once the operation is over.
    async fn answer(&self) -> Result<Option<Arc<Answer>>, Error> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Over => Ok(None),
            State::Seen { answer, .. } => Ok(Some(answer.clone())),
            State::Unknown => {
                let asked = Instant::now();
                let answer = Arc::new(self.inner.look(&self.question).await?);
                let (seen, answered) = (answer.clone(), Instant::now());
                *state = State::Seen { answer: seen, asked, answered };
                Ok(Some(answer))
            }
        }
    }

    fn asks(&self, path: &ReleasePath) -> bool {
        self.question.has(path)
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl StoreLayer for Sight {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn stat(&self, paths: &[ReleasePath]) -> Result<BTreeMap<ReleasePath, Entry>, Error> {
        if !paths.iter().any(|path| self.asks(path)) {
            return self.inner.stat(paths).await;
        }
        let Some(answer) = self.answer().await? else { return self.inner.stat(paths).await };
        let (asked, others): (Vec<_>, Vec<_>) =
            paths.iter().cloned().partition(|path| self.asks(path));
        let known = |path| answer.entries.get(&path).cloned().map(|entry| (path, entry));
        let mut found: BTreeMap<_, _> = asked.into_iter().filter_map(known).collect();
        if !others.is_empty() {
            found.extend(self.inner.stat(&others).await?);
        }
        Ok(found)
    }

    async fn read(&self, path: &ReleasePath) -> Result<Option<Document>, Error> {
        if !self.question.has_document(path) {
            return self.inner.read(path).await;
        }
        let Some(answer) = self.answer().await? else { return self.inner.read(path).await };
        match answer.documents.get(path) {
            // The store says why this is no document.
            None if answer.entries.contains_key(path) => self.inner.read(path).await,
            document => Ok(document.cloned()),
        }
    }

    async fn look(&self, question: &Question) -> Result<Answer, Error> {
        let is_known = question.paths().all(|path| self.asks(path))
            && question.documents().all(|path| self.question.has_document(path));
        match self.answer().await? {
            Some(answer) if is_known => Ok(question.select(&answer)),
            _ => self.inner.look(question).await,
        }
    }

    async fn open_range(
        &self,
        path: &ReleasePath,
        range: Range<u64>,
    ) -> Result<Option<ArtifactReader>, Error> {
        self.inner.open_range(path, range).await
    }

    async fn send(&self, uploads: Vec<Upload>, context: &Context) -> Result<(), Error> {
        let is_empty = uploads.is_empty();
        let sent = self.inner.send(uploads, context).await;
        if !is_empty {
            self.forget().await;
        }
        sent
    }

    async fn send_in_order(
        &self,
        batches: Vec<Vec<Upload>>,
        context: &Context,
    ) -> Result<(), Error> {
        let is_empty = batches.iter().all(Vec::is_empty);
        let sent = self.inner.send_in_order(batches, context).await;
        if !is_empty {
            self.forget().await;
        }
        sent
    }

    async fn swap(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
    ) -> Result<Swap, Error> {
        StoreLayer::swap_and_delete(self, path, expected, content, &[]).await
    }

    async fn swap_and_delete(
        &self,
        path: &ReleasePath,
        expected: Option<&Version>,
        content: Bytes,
        unneeded: &[ReleasePath],
    ) -> Result<Swap, Error> {
        let swapped = self.inner.swap_and_delete(path, expected, content, unneeded).await;
        *self.state.lock().await = State::Over;
        swapped
    }

    async fn delete(&self, paths: &[ReleasePath], context: &Context) -> Result<(), Error> {
        let deleted = self.inner.delete(paths, context).await;
        self.forget().await;
        deleted
    }

    async fn link(&self, links: &BTreeMap<ReleasePath, String>) -> Result<(), Error> {
        let linked = self.inner.link(links).await;
        self.forget().await;
        linked
    }

    async fn lock(&self, context: &Context) -> Result<StoreLock, Error> {
        let lock = self.inner.lock(context).await?;
        if self.inner.capabilities().lock() {
            self.forget().await;
        }
        Ok(lock)
    }
}
