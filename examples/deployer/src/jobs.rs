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
mod prover;
mod run;
mod steps;
mod table;
mod turns;
mod work;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use netboot_core::ProfileName;

use self::entry::{Cancel, Entry};
pub(crate) use self::event_log::{EventLog, Extent, Happened, LogEntry};
pub(crate) use self::model::{Job, JobId, JobRequest};
use self::table::Table;
use crate::api_error::ApiError;
use crate::deployment::Deployment;
use crate::start_error::StartError;

/// How many jobs may wait at once.
const MOST_WAITING: usize = 100;

/// The jobs of a deployment.
#[derive(Debug)]
pub(crate) struct Jobs {
    deployment: Arc<Deployment>,
    table: Arc<Table>,
}

impl Jobs {
    /// Reads the jobs in `directory`, and removes files that a killed service left half-written.
    ///
    /// # Errors
    /// [`StartError::Io`].
    pub(crate) fn open(directory: &Path, deployment: Arc<Deployment>) -> Result<Self, StartError> {
        Ok(Self { deployment, table: Arc::new(Table::open(directory)?) })
    }

    /// Resumes the jobs that had not finished when the service ended.
    pub(crate) async fn resume(&self) {
        for entry in self.table.entries() {
            if !entry.job().await.state.is_final() {
                self.start(entry).await;
            }
        }
    }

    /// Gives a job its place in the queue, and begins to work on it.
    async fn start(&self, entry: Arc<Entry>) {
        let job = entry.job().await;
        let turns = match job.request {
            JobRequest::Build { .. } => Some(&self.table.building),
            JobRequest::Deploy { .. } if job.built.is_none() => Some(&self.table.building),
            JobRequest::Deploy { .. }
            | JobRequest::Stage { .. }
            | JobRequest::Activate { .. }
            | JobRequest::Rollback { .. } => Some(&self.table.publishing),
            JobRequest::Prove { .. } => None,
        };
        let place = match turns {
            Some(turns) => Some(turns.join().await),
            None => None,
        };
        let work = run::run(self.deployment.clone(), self.table.clone(), entry, place);
        self.table.tasks.spawn(work);
    }

    /// Ends what runs, to be resumed by the next start. A release that goes live at this moment has
    /// `grace` to be live everywhere.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.table.tasks.close();
        for entry in self.table.entries() {
            entry.interrupt().await;
        }
        // What takes longer ends with the process, and is resumed as after a crash.
        let _ = tokio::time::timeout(grace, self.table.tasks.wait()).await;
    }

    /// Takes a job on.
    ///
    /// # Errors
    /// When the request names what there is not, or too much is waiting.
    pub(crate) async fn submit(&self, request: JobRequest) -> Result<Job, ApiError> {
        if self.table.tasks.is_closed() {
            let hint = "ask the service that is started in its place";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the service ends", hint));
        }
        self.check(&request).await?;
        let waiting = self.list().await.iter().filter(|job| !job.state.is_final()).count();
        if waiting >= MOST_WAITING {
            let hint = "wait until some are done, or cancel them";
            let error = format!("{waiting} jobs are waiting already");
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, error, hint));
        }
        let (entry, job) = self.table.add(request).await.map_err(not_written)?;
        self.start(entry).await;
        Ok(job)
    }

    async fn check(&self, request: &JobRequest) -> Result<(), ApiError> {
        match request {
            JobRequest::Build { profiles } | JobRequest::Deploy { profiles, .. } => {
                let known = &self.deployment.config.profiles;
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

    /// All jobs, newest first.
    pub(crate) async fn list(&self) -> Vec<Job> {
        self.table.list().await
    }

    /// One job.
    pub(crate) async fn get(&self, id: JobId) -> Option<Job> {
        self.table.get(id).await
    }

    /// The events of a job.
    ///
    /// # Errors
    /// When there is no such job, or its events cannot be read.
    pub(crate) async fn events(&self, id: JobId) -> Result<Arc<EventLog>, ApiError> {
        let entry = self.table.entry(id).ok_or_else(|| no_such_job(id))?;
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
        let entry = self.table.entry(id).ok_or_else(|| no_such_job(id))?;
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
