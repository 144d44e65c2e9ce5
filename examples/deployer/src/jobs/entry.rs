//! A job in memory: its record, its events, and the token that cancels it.

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

/// A job in the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: JobId,
    pub(super) cancellation: CancellationToken,
    journal: Journal,
    /// True if this process has started it.
    begun: AtomicBool,
    job: Mutex<Job>,
    /// The events, once somebody has asked for them or the job runs. Their file is read once.
    events: Mutex<Option<Arc<EventLog>>>,
}

/// The answer to a request to cancel a job.
#[derive(Debug)]
pub(super) enum Cancel {
    /// The job will end soon.
    Requested(Job),
    /// The job has finished, or its release is going live.
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

    /// Changes the record, first on the disk and then in memory.
    ///
    /// # Errors
    /// If the disk is full or broken. Nothing has changed then.
    pub(super) async fn update(&self, change: impl FnOnce(&mut Job)) -> io::Result<Job> {
        let mut job = self.job.lock().await;
        let mut new = job.clone();
        change(&mut new);
        self.save(&new).await?;
        job.clone_from(&new);
        Ok(new)
    }

    /// Sets the outcome in any case in memory. If the disk is full, clients still see the outcome,
    /// and only the next start repeats the job.
    pub(super) async fn end(&self, change: impl FnOnce(&mut Job)) -> (Job, io::Result<()>) {
        let mut job = self.job.lock().await;
        change(&mut job);
        let saved = self.save(&job).await;
        (job.clone(), saved)
    }

    /// Records that the work starts. Returns false if this process has already started it.
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

    /// Records that the release goes live now, unless the job has been cancelled. `live_before` is
    /// recorded only the first time, because a resumed job may find its own release live.
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

    /// Cancels the job permanently.
    ///
    /// # Errors
    /// The errors of [`update`](Self::update).
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

    /// Stops the work on it, unless its release is going live. The next start resumes the job.
    pub(super) async fn interrupt(&self) {
        let job = self.job.lock().await;
        if !job.going_live {
            self.cancellation.cancel();
        }
    }

    /// Its events.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) async fn events(&self) -> io::Result<Arc<EventLog>> {
        let mut events = self.events.lock().await;
        if let Some(log) = &*events {
            return Ok(log.clone());
        }
        let over = self.job.lock().await.state.is_final();
        let log = Arc::new(EventLog::open(self.journal.events(self.id), over).await?);
        *events = Some(log.clone());
        Ok(log)
    }

    /// Ends the streams of the events.
    pub(super) async fn close_events(&self) {
        if let Some(log) = &*self.events.lock().await {
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
