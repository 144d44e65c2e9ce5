//! One job from its start, or from the point where the service ended, to its end.

use std::sync::Arc;

use netboot_core::{Context, Event};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::entry::Entry;
use super::error::JobError;
use super::event_log::{EventWriter, JobEvent};
use super::model::{Failure, Job, JobState};
use super::steps::Steps;
use super::table::Table;
use super::turns::Place;
use crate::deployment::Deployment;

/// The number of times that a job is started. A job that ends the service each time, for example
/// because it needs too much memory, must not do so forever.
const ATTEMPTS: u32 = 10;

/// Runs a job from its place in the queue. Afterwards, its record contains every error.
pub(super) async fn run(
    deployment: Arc<Deployment>,
    table: Arc<Table>,
    entry: Arc<Entry>,
    place: Option<Place>,
) {
    match writer_of(&entry).await {
        Ok(writer) => work(&deployment, &table, &entry, writer, place).await,
        Err(error) => {
            end(&deployment, &entry, |job| finish(job, Err(error.into()))).await;
        }
    }
    entry.close_events().await;
    if let Err(error) = table.forget().await {
        deployment.log.line(&format!("warning: cannot remove old jobs: {error}"));
    }
}

async fn writer_of(entry: &Entry) -> std::io::Result<EventWriter> {
    entry.events().await?.writer().await
}

async fn work(
    deployment: &Deployment,
    table: &Table,
    entry: &Entry,
    writer: EventWriter,
    place: Option<Place>,
) {
    let (sender, receiver) = unbounded_channel();
    let writing = tokio::spawn(write_all(writer, receiver));
    let events = sender.clone();
    let context = Context::new()
        .with_cancellation(entry.cancellation.clone())
        // Sending fails only if the job has finished or its events could not be written.
        .with_events(move |event: Event| drop(events.send(JobEvent::Event(event))));
    let steps = Steps { deployment, table, entry, context: &context, sender: &sender };
    let result = attempt(steps, place).await;
    // All events are written before the outcome.
    drop((context, sender));
    let written = writing.await.map_err(std::io::Error::other).flatten();
    let interrupted = table.tasks.is_closed()
        && entry.cancellation.is_cancelled()
        && !entry.job().await.cancel_requested;
    let job = if interrupted && result.is_err() {
        end(deployment, entry, |job| job.state = JobState::Queued).await
    } else {
        let cancelled = entry.cancellation.is_cancelled();
        let result = result.map_err(|error| if cancelled { JobError::Cancelled } else { error });
        end(deployment, entry, |job| finish(job, result)).await
    };
    // The release is live even if there was no space for the events.
    let written = match written {
        Ok(mut writer) => writer.write(JobEvent::State { state: job.state }).await,
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        deployment.log.line(&format!("job {}: cannot save all events: {error}", job.id));
    }
}

/// Sets the outcome of a job, and writes it to the service's log.
async fn end(deployment: &Deployment, entry: &Entry, change: impl FnOnce(&mut Job)) -> Job {
    let (job, saved) = entry.end(change).await;
    deployment.log.line(&told(&job));
    if let Err(error) = saved {
        let id = job.id;
        deployment.log.line(&format!(
            "job {id}: cannot save its outcome, so the next start repeats the job: {error}"
        ));
    }
    job
}

/// The outcome of a job, for the service's log.
fn told(job: &Job) -> String {
    let mut lines = vec![format!("job {}: {}", job.id, job.state)];
    lines.extend(job.summary.iter().flat_map(|summary| summary.lines()).map(str::to_owned));
    for Failure { profile, error, hint } in &job.errors {
        let about = profile.as_ref().map(|profile| format!("{profile}: ")).unwrap_or_default();
        lines.push(format!("{about}{error}"));
        lines.extend(hint.as_ref().map(|hint| format!("what to do: {hint}")));
    }
    lines.join("\n  ")
}

async fn attempt(steps: Steps<'_>, place: Option<Place>) -> Result<String, JobError> {
    let job = steps.entry.job().await;
    if job.cancel_requested {
        // The service ended before the job did. Other jobs complete or prune what it started.
        return Err(JobError::Cancelled);
    }
    if job.attempts >= ATTEMPTS {
        let error =
            format!("the job was started {ATTEMPTS} times, and the service ended each time");
        return Err(JobError::new(
            error,
            "find out why the service ends, for example because memory runs out",
        ));
    }
    steps.work(job.request, place).await
}

fn finish(job: &mut Job, result: Result<String, JobError>) {
    match result {
        Ok(summary) => {
            job.summary = Some(summary);
            job.finish(JobState::Succeeded);
        }
        Err(JobError::Cancelled) => job.finish(JobState::Cancelled),
        Err(JobError::Failed(failures)) => {
            job.errors = failures;
            if job.errors.is_empty() {
                let error = "the job failed".to_owned();
                job.errors.push(Failure { profile: None, error, hint: None });
            }
            job.finish(JobState::Failed);
        }
    }
}

async fn write_all(
    mut writer: EventWriter,
    mut receiver: UnboundedReceiver<JobEvent>,
) -> std::io::Result<EventWriter> {
    while let Some(what) = receiver.recv().await {
        writer.write(what).await?;
    }
    Ok(writer)
}
