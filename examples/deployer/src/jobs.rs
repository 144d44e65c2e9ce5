//! Jobs: builds, stagings, proofs, activations and rollbacks, which take longer than a request.
//!
//! A job is on the disk before its client gets an answer, and again at each point from which it
//! could continue. However the service ends, the next start resumes the job there. Jobs that build
//! take turns in the order in which they were submitted. So do jobs that change what is published.
//! The two kinds do not wait for each other.

mod entry;
mod error;
mod event_log;
mod event_reader;
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
pub(crate) use self::event_log::{EventLog, Extent, JobEvent, LogEntry};
pub(crate) use self::event_reader::EventReader;
pub(crate) use self::model::{Job, JobId, JobRequest, JobState, RollbackTarget};
use self::table::Table;
use crate::api_error::ApiError;
use crate::deployment::Deployment;
use crate::health::Health;

/// The maximum number of jobs that wait at once.
const MOST_WAITING: usize = 100;

/// The jobs of a deployment.
#[derive(Debug)]
pub(crate) struct Jobs {
    deployment: Arc<Deployment>,
    table: Arc<Table>,
}

impl Jobs {
    /// Reads the jobs in `directory`, and removes files that a killed service left half-written.
    /// Records that cannot be read are set aside.
    pub(crate) fn open(directory: &Path, deployment: Arc<Deployment>, health: &Health) -> Self {
        Self { deployment, table: Arc::new(Table::open(directory, health)) }
    }

    /// Resumes the jobs that had not finished when the service ended.
    pub(crate) async fn resume(&self) {
        for entry in self.table.entries() {
            if !entry.job().await.state.is_final() {
                self.start(entry).await;
            }
        }
    }

    /// Gives a job its place in its queue, and starts to work on it.
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

    /// Stops the running jobs; the next start resumes them. A release that is going live has the
    /// time `grace` to go live everywhere.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.table.tasks.close();
        for entry in self.table.entries() {
            entry.interrupt().await;
        }
        // A job that takes longer ends with the process, and is resumed as after a crash.
        let _ = tokio::time::timeout(grace, self.table.tasks.wait()).await;
    }

    /// Accepts a job.
    ///
    /// # Errors
    /// If the request names something that does not exist, or too many jobs are waiting.
    pub(crate) async fn submit(&self, request: JobRequest) -> Result<Job, ApiError> {
        if self.table.tasks.is_closed() {
            let hint = "send the job again when the service has started again";
            return Err(ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the service is stopping",
                hint,
            ));
        }
        self.check(&request).await?;
        let waiting = self.list().await.iter().filter(|job| !job.state.is_final()).count();
        if waiting >= MOST_WAITING {
            let hint = "wait until some of them have finished, or cancel them";
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
                let hint = format!("choose from: {}", names.join(", "));
                Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint))
            }
            JobRequest::Stage { build } => match self.get(*build).await {
                None => Err(no_such_job(*build)),
                Some(job) if job.built.is_some() => Ok(()),
                Some(_) => {
                    let error = format!("job {build} has no built images");
                    let hint = "name a job of the kind build that has succeeded; wait for it if it \
                                still runs";
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
    /// If there is no such job, or its events cannot be read.
    pub(crate) async fn events(&self, id: JobId) -> Result<Arc<EventLog>, ApiError> {
        let entry = self.table.entry(id).ok_or_else(|| no_such_job(id))?;
        entry.events().await.map_err(|error| {
            let hint = "check that this user can read the state directory";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), hint)
        })
    }

    /// Cancels a job. Its child processes end, and the live release stays live.
    ///
    /// # Errors
    /// If there is no such job, or it is too late.
    pub(crate) async fn cancel(&self, id: JobId) -> Result<Job, ApiError> {
        let entry = self.table.entry(id).ok_or_else(|| no_such_job(id))?;
        match entry.cancel().await.map_err(not_written)? {
            Cancel::Requested(job) => Ok(job),
            Cancel::TooLate(job) if job.state.is_final() => {
                let error = format!("job {id} has already finished");
                Err(ApiError::new(
                    StatusCode::CONFLICT,
                    error,
                    "roll back if its release went live",
                ))
            }
            Cancel::TooLate(_) => {
                let error = format!("the release of job {id} is going live now");
                let hint = "wait until the job has finished, and roll back";
                Err(ApiError::new(StatusCode::CONFLICT, error, hint))
            }
        }
    }
}

/// The answer to a request for a job that does not exist.
pub(crate) fn no_such_job(id: impl fmt::Display) -> ApiError {
    let hint = "choose a job from GET /api/jobs; the oldest jobs are forgotten";
    ApiError::new(StatusCode::NOT_FOUND, format!("there is no job `{id}`"), hint)
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn not_written(error: io::Error) -> ApiError {
    let hint =
        "check that this user can write to the state directory, and that its disk is not full";
    let error = format!("cannot save the job: {error}");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error, hint)
}
