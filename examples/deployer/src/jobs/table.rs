//! The jobs in memory and on disk, and the queues in which they wait.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::task::TaskTracker;

use super::entry::Entry;
use super::journal::Journal;
use super::model::{Job, JobId, JobRequest};
use super::turns::Turns;
use crate::health::Health;

/// The number of finished jobs that are remembered.
const KEPT: usize = 200;

/// All jobs: waiting, running and finished.
#[derive(Debug)]
pub(super) struct Table {
    journal: Journal,
    jobs: Mutex<Numbered>,
    /// The jobs that run; closed when the service stops.
    pub(super) tasks: TaskTracker,
    /// The queue of jobs that build.
    pub(super) building: Turns,
    /// The queue of jobs that change what is published.
    pub(super) publishing: Turns,
}

#[derive(Debug)]
struct Numbered {
    last: u64,
    entries: BTreeMap<JobId, Arc<Entry>>,
}

impl Table {
    /// Reads the jobs in `directory`, and removes files that a killed service left half-written.
    pub(super) fn open(directory: &Path, health: &Health) -> Self {
        let (journal, jobs, last) = Journal::open(directory, health);
        let entry = |job: Job| (job.id, Entry::new(journal.clone(), job));
        let jobs = Mutex::new(Numbered { last, entries: jobs.into_iter().map(entry).collect() });
        let (building, publishing) = Default::default();
        Self { journal, jobs, tasks: TaskTracker::new(), building, publishing }
    }

    /// Adds a job. Its record is on the disk before this returns its number.
    ///
    /// # Errors
    /// If the disk is full or broken. The job does not exist then.
    pub(super) async fn add(&self, request: JobRequest) -> io::Result<(Arc<Entry>, Job)> {
        self.journal.create_directory()?;
        let entry = {
            let mut jobs = self.jobs();
            jobs.last += 1;
            Entry::new(self.journal.clone(), Job::new(JobId(jobs.last), request))
        };
        let job = entry.update(|_| ()).await?;
        self.jobs().entries.insert(entry.id, entry.clone());
        Ok((entry, job))
    }

    /// All jobs, newest first.
    pub(super) async fn list(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for entry in self.entries().into_iter().rev() {
            jobs.push(entry.job().await);
        }
        jobs
    }

    /// One job.
    pub(super) async fn get(&self, id: JobId) -> Option<Job> {
        Some(self.entry(id)?.job().await)
    }

    /// Forgets the oldest finished jobs if there are too many.
    pub(super) async fn forget(&self) -> io::Result<()> {
        let over: Vec<Job> =
            self.list().await.into_iter().filter(|job| job.state.is_final()).collect();
        for job in over.iter().skip(KEPT) {
            self.jobs().entries.remove(&job.id);
            self.journal.remove(job.id)?;
        }
        Ok(())
    }

    pub(super) fn entry(&self, id: JobId) -> Option<Arc<Entry>> {
        self.jobs().entries.get(&id).cloned()
    }

    pub(super) fn entries(&self) -> Vec<Arc<Entry>> {
        self.jobs().entries.values().cloned().collect()
    }

    fn jobs(&self) -> MutexGuard<'_, Numbered> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
