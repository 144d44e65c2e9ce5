//! A job in memory: its record, its events, and the token that ends it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netboot_core::{CancellationToken, ReleaseId, SiteName};
use tokio::sync::Mutex;

use super::error::JobError;
use super::event_log::EventLog;
use super::journal::Journal;
use super::model::{Job, JobId, JobState};
use crate::timestamp::Timestamp;

/// A job of the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: JobId,
    pub(super) cancellation: CancellationToken,
    journal: Journal,
    /// Whether this process has begun it.
    begun: AtomicBool,
    job: Mutex<Job>,
    /// The events of a job that is not at its end; those of others are read when asked for.
    events: Mutex<Option<Arc<EventLog>>>,
}

/// What became of the wish to cancel a job.
#[derive(Debug)]
pub(super) enum Cancel {
    /// It ends soon.
    Requested(Job),
    /// It is over, or its release is on its way to go live.
    TooLate(Job),
}

impl Entry {
    pub(super) fn new(journal: Journal, job: Job) -> Arc<Self> {
        let (id, job) = (job.id, Mutex::new(job));
        let cancellation = CancellationToken::new();
        let (begun, events) = (AtomicBool::new(false), Mutex::new(None));
        Arc::new(Self { id, cancellation, journal, begun, job, events })
    }

    pub(super) async fn job(&self) -> Job {
        self.job.lock().await.clone()
    }

    /// Changes the record, on disk first.
    ///
    /// # Errors
    /// When the disk is full or broken; then nothing has changed.
    pub(super) async fn update(&self, change: impl FnOnce(&mut Job)) -> io::Result<Job> {
        let mut job = self.job.lock().await;
        let mut new = job.clone();
        change(&mut new);
        self.save(&new).await?;
        job.clone_from(&new);
        Ok(new)
    }

    /// Sets how the work on it ended, in memory in any case: where the disk does not take it, clients
    /// are told all the same, and only the next start begins anew.
    pub(super) async fn end(&self, change: impl FnOnce(&mut Job)) -> (Job, io::Result<()>) {
        let mut job = self.job.lock().await;
        change(&mut job);
        let saved = self.save(&job).await;
        (job.clone(), saved)
    }

    /// Writes down that the work begins; `false` if it has begun already.
    pub(super) async fn begin(&self) -> io::Result<bool> {
        if self.begun.load(Ordering::SeqCst) {
            return Ok(false);
        }
        self.update(|job| {
            job.state = JobState::Running;
            job.attempts += 1;
            job.started_at = Some(Timestamp::now());
        })
        .await?;
        self.begun.store(true, Ordering::SeqCst);
        Ok(true)
    }

    /// Writes down that the release goes live now, unless the job was cancelled before. What was
    /// live before it began to go live counts, and not what a resumed job finds.
    pub(super) async fn begin_going_live(
        &self,
        release: ReleaseId,
        live_before: BTreeMap<SiteName, ReleaseId>,
    ) -> Result<(), JobError> {
        let mut job = self.job.lock().await;
        if self.cancellation.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        if !job.going_live {
            let mut new = job.clone();
            (new.going_live, new.live_before) = (true, live_before);
            new.result = Some(release);
            self.save(&new).await?;
            *job = new;
        }
        Ok(())
    }

    /// Cancels the job for good.
    ///
    /// # Errors
    /// As for [`update`](Self::update).
    pub(super) async fn cancel(&self) -> io::Result<Cancel> {
        let mut job = self.job.lock().await;
        if job.state.is_final() || job.going_live {
            return Ok(Cancel::TooLate(job.clone()));
        }
        let mut new = job.clone();
        new.cancel_requested = true;
        self.save(&new).await?;
        *job = new.clone();
        self.cancellation.cancel();
        Ok(Cancel::Requested(new))
    }

    /// Ends the work on it, to be resumed by the next start; not while its release goes live.
    pub(super) async fn interrupt(&self) {
        let job = self.job.lock().await;
        if !job.going_live {
            self.cancellation.cancel();
        }
    }

    /// Its events.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) async fn events(&self) -> io::Result<Arc<EventLog>> {
        let mut events = self.events.lock().await;
        if let Some(log) = &*events {
            return Ok(log.clone());
        }
        let over = self.job.lock().await.state.is_final();
        let log = Arc::new(EventLog::open(self.journal.events(self.id), over).await?);
        if !over {
            *events = Some(log.clone());
        }
        Ok(log)
    }

    /// Lets those who read the events come to their end, and lets go of what is in memory.
    pub(super) async fn close_events(&self) {
        if let Some(log) = self.events.lock().await.take() {
            log.close();
        }
    }

    async fn save(&self, job: &Job) -> io::Result<()> {
        let (journal, job) = (self.journal.clone(), job.clone());
        match tokio::task::spawn_blocking(move || journal.save(&job)).await {
            Ok(result) => result,
            Err(error) => Err(io::Error::other(error)),
        }
    }
}
