//! The sources of blobs, and which of them is asked next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use netboot_closure::boot_parameter::HttpUrl;

use crate::patience::Patience;

/// The number of times that a source may send wrong content for one blob.
const WRONG_ANSWERS: u32 = 3;

/// The sources, in the order of the kernel command line. They have equal content, so a source that
/// fails is put behind, and the others take over.
#[derive(Debug)]
pub(crate) struct Sources {
    urls: Vec<HttpUrl>,
    patience: Patience,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    sources: Vec<SourceState>,
    /// The source that was asked last.
    last: usize,
}

#[derive(Debug, Clone)]
struct SourceState {
    /// The failures in a row.
    failures: u32,
    ready_at: Instant,
    ranges: bool,
}

/// The wrong answers for one blob, for each source.
#[derive(Debug)]
pub(crate) struct WrongAnswers(Vec<(u32, Instant)>);

/// The source that is asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) source: usize,
    /// The time until it may be asked.
    pub(crate) wait: Duration,
    /// True if the source is believed to send parts of files correctly.
    pub(crate) ranges: bool,
    /// The source before, if it was another one.
    pub(crate) instead_of: Option<usize>,
}

impl Sources {
    pub(crate) fn new(urls: Vec<HttpUrl>, patience: Patience) -> Self {
        let fresh = SourceState { failures: 0, ready_at: Instant::now(), ranges: true };
        let state = State { sources: vec![fresh; urls.len()], last: 0 };
        Self { urls, patience, state: Mutex::new(state) }
    }

    pub(crate) fn url(&self, source: usize) -> &HttpUrl {
        &self.urls[source]
    }

    /// Begins to count wrong answers for a blob.
    pub(crate) fn wrong_answers(&self) -> WrongAnswers {
        WrongAnswers(vec![(0, Instant::now()); self.urls.len()])
    }

    /// Chooses the next source for a blob: the first that is ready, of those that do not fail.
    /// Returns `None` if every source sent wrong content too often.
    pub(crate) fn choose(&self, wrong: &WrongAnswers) -> Option<Choice> {
        let now = Instant::now();
        let mut state = self.lock();
        let allowed = (0..self.urls.len()).filter(|source| wrong.0[*source].0 < WRONG_ANSWERS);
        let source = allowed.min_by_key(|source| {
            let (of_source, (answers, ready_at)) = (&state.sources[*source], wrong.0[*source]);
            (of_source.ready_at.max(ready_at).max(now), answers, of_source.failures, *source)
        })?;
        let ready_at = state.sources[source].ready_at.max(wrong.0[source].1);
        let instead_of = Some(state.last).filter(|last| *last != source);
        let ranges = state.sources[source].ranges;
        state.last = source;
        drop(state);
        Some(Choice { source, wait: ready_at.saturating_duration_since(now), ranges, instead_of })
    }

    /// Notes that a source failed, and puts it behind the others for a time. Several connections
    /// that fail together count as one failure.
    pub(crate) fn failed(&self, source: usize) {
        let now = Instant::now();
        let mut state = self.lock();
        let source = &mut state.sources[source];
        if source.ready_at <= now {
            source.failures += 1;
            source.ready_at = now + self.patience.back_off(source.failures);
        }
    }

    /// Notes that a source sent content.
    pub(crate) fn succeeded(&self, source: usize) {
        self.lock().sources[source].failures = 0;
    }

    /// Notes that a source sends parts of files incorrectly, so that it is asked for whole files.
    pub(crate) fn distrust_ranges(&self, source: usize) {
        self.lock().sources[source].ranges = false;
    }

    /// Notes a wrong answer for a blob. The source is asked for it again after a time.
    pub(crate) fn answered_wrong(&self, source: usize, wrong: &mut WrongAnswers) {
        let (count, ready_at) = &mut wrong.0[source];
        *count += 1;
        *ready_at = Instant::now() + self.patience.back_off(*count);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
