//! Work that takes longer than a request: built, staged, proven, activated, rolled back.
//!
//! A job is written down before its client is answered, and whenever it comes to a point behind
//! which it would go on: after any end of the service, the next start resumes it there. Jobs that
//! build take turns, in the order in which they were asked for, and so do jobs that change what is
//! published; the two kinds do not wait for each other.

mod entry;
mod error;
mod event_log;
mod going_live;
mod journal;
mod model;
mod run;
mod steps;
mod turns;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use netboot_core::ProfileName;
use tokio_util::task::TaskTracker;

use self::entry::{Cancel, Entry};
pub(crate) use self::event_log::{EventLog, Extent, Happened, LogEntry};
use self::journal::Journal;
pub(crate) use self::model::{Job, JobId, JobRequest};
use self::turns::Turns;
use crate::api::ApiError;
use crate::app::App;
use crate::problem::StartError;

/// How many jobs may wait at once.
const MOST_WAITING: usize = 100;
/// How many jobs that are over are remembered.
const KEPT: usize = 200;

/// The jobs, done and to be done.
#[derive(Debug)]
pub(crate) struct Jobs {
    journal: Journal,
    table: Mutex<Table>,
    tasks: TaskTracker,
    /// Those that build.
    building: Turns,
    /// Those that change what is published.
    publishing: Turns,
}

#[derive(Debug)]
struct Table {
    last: u64,
    entries: BTreeMap<JobId, Arc<Entry>>,
}

impl Jobs {
    /// Reads what is kept in `directory`, and removes what a killed service left half-written.
    ///
    /// # Errors
    /// [`StartError::Io`].
    pub(crate) fn open(directory: &Path) -> Result<Arc<Self>, StartError> {
        let (journal, jobs) = Journal::open(directory)?;
        let last = jobs.last().map_or(0, |job| job.id.0);
        let entry = |job: Job| (job.id, Entry::new(journal.clone(), job));
        let table = Mutex::new(Table { last, entries: jobs.into_iter().map(entry).collect() });
        let (building, publishing) = Default::default();
        Ok(Arc::new(Self { journal, table, tasks: TaskTracker::new(), building, publishing }))
    }

    /// Resumes what was not over when the service ended.
    pub(crate) async fn resume(&self, app: &Arc<App>) {
        for entry in self.entries() {
            if !entry.job().await.state.is_final() {
                self.start(app, entry).await;
            }
        }
    }

    /// Gives a job its place in the queue, and begins to work on it.
    async fn start(&self, app: &Arc<App>, entry: Arc<Entry>) {
        let job = entry.job().await;
        let turns = match job.request {
            JobRequest::Build { .. } => Some(&self.building),
            JobRequest::Deploy { .. } if job.built.is_none() => Some(&self.building),
            JobRequest::Deploy { .. }
            | JobRequest::Stage { .. }
            | JobRequest::Activate { .. }
            | JobRequest::Rollback { .. } => Some(&self.publishing),
            JobRequest::Prove { .. } => None,
        };
        let place = match turns {
            Some(turns) => Some(turns.join().await),
            None => None,
        };
        self.tasks.spawn(run::run(app.clone(), entry, place));
    }

    /// Ends what runs, to be resumed by the next start. A release that goes live at this moment has
    /// `grace` to be live everywhere.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.tasks.close();
        for entry in self.entries() {
            entry.interrupt().await;
        }
        // What takes longer ends with the process, and is resumed as after a crash.
        let _ = tokio::time::timeout(grace, self.tasks.wait()).await;
    }

    /// Takes a job on.
    ///
    /// # Errors
    /// When the request names what there is not, or too much is waiting.
    pub(crate) async fn submit(
        &self,
        app: &Arc<App>,
        request: JobRequest,
    ) -> Result<Job, ApiError> {
        if self.tasks.is_closed() {
            let hint = "ask the service that is started in its place";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the service ends", hint));
        }
        self.check(app, &request).await?;
        let waiting = self.list().await.iter().filter(|job| !job.state.is_final()).count();
        if waiting >= MOST_WAITING {
            let hint = "wait until some are done, or cancel them";
            let error = format!("{waiting} jobs are waiting already");
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, error, hint));
        }
        let entry = {
            let mut table = self.table();
            table.last += 1;
            Entry::new(self.journal.clone(), Job::new(JobId(table.last), request))
        };
        // On disk before anybody is told its number.
        let job = entry.update(|_| ()).await.map_err(not_written)?;
        self.table().entries.insert(entry.id, entry.clone());
        self.start(app, entry).await;
        Ok(job)
    }

    async fn check(&self, app: &App, request: &JobRequest) -> Result<(), ApiError> {
        match request {
            JobRequest::Build { profiles } | JobRequest::Deploy { profiles, .. } => {
                let known = &app.config.profiles;
                let Some(unknown) = profiles.iter().find(|name| !known.contains_key(*name)) else {
                    return Ok(());
                };
                let names: Vec<&str> = known.keys().map(ProfileName::as_str).collect();
                let error = format!("there is no profile `{unknown}`");
                let hint = format!("name some of: {}", names.join(", "));
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint))
            }
            JobRequest::Stage { build } => match self.get(*build).await {
                None => Err(no_such_job(*build)),
                Some(job) if job.built.is_some() => Ok(()),
                Some(_) => {
                    let error = format!("job {build} has built nothing");
                    let hint = "name a job of the kind build that succeeded; one that still runs \
                                has to come to its end first";
                    Err(ApiError::new(StatusCode::CONFLICT, error, hint))
                }
            },
            JobRequest::Prove { .. }
            | JobRequest::Activate { .. }
            | JobRequest::Rollback { .. } => Ok(()),
        }
    }

    /// All jobs, the newest first.
    pub(crate) async fn list(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for entry in self.entries().into_iter().rev() {
            jobs.push(entry.job().await);
        }
        jobs
    }

    /// One job.
    pub(crate) async fn get(&self, id: JobId) -> Option<Job> {
        Some(self.entry(id)?.job().await)
    }

    /// The events of a job.
    ///
    /// # Errors
    /// When there is no such job, or its events cannot be read.
    pub(crate) async fn events(&self, id: JobId) -> Result<Arc<EventLog>, ApiError> {
        let entry = self.entry(id).ok_or_else(|| no_such_job(id))?;
        entry.events().await.map_err(|error| {
            let hint = "see that the state directory can be read";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), hint)
        })
    }

    /// Cancels a job: its child processes end, and what is live stays so.
    ///
    /// # Errors
    /// When there is no such job, or it is too late.
    pub(crate) async fn cancel(&self, id: JobId) -> Result<Job, ApiError> {
        let entry = self.entry(id).ok_or_else(|| no_such_job(id))?;
        match entry.cancel().await.map_err(not_written)? {
            Cancel::Requested(job) => Ok(job),
            Cancel::TooLate(job) if job.state.is_final() => {
                let error = format!("job {id} is over");
                Err(ApiError::new(StatusCode::CONFLICT, error, "roll back, if it went live"))
            }
            Cancel::TooLate(_) => {
                let error = format!("the release of job {id} goes live at this moment");
                let hint = "wait until it is over, and roll back";
                Err(ApiError::new(StatusCode::CONFLICT, error, hint))
            }
        }
    }

    /// Forgets the oldest jobs that are over, where there are many.
    async fn forget(&self) -> io::Result<()> {
        let over: Vec<Job> =
            self.list().await.into_iter().filter(|job| job.state.is_final()).collect();
        for job in over.iter().skip(KEPT) {
            self.table().entries.remove(&job.id);
            self.journal.remove(job.id)?;
        }
        Ok(())
    }

    fn entry(&self, id: JobId) -> Option<Arc<Entry>> {
        self.table().entries.get(&id).cloned()
    }

    fn entries(&self) -> Vec<Arc<Entry>> {
        self.table().entries.values().cloned().collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer where a job is asked for that there is not.
pub(crate) fn no_such_job(id: impl fmt::Display) -> ApiError {
    let hint = "GET /api/jobs lists all of them; the oldest are forgotten";
    ApiError::new(StatusCode::NOT_FOUND, format!("there is no job `{id}`"), hint)
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn not_written(error: io::Error) -> ApiError {
    let hint = "see that the state directory can be written and its disk is not full";
    let error = format!("the job cannot be written down: {error}");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error, hint)
}
