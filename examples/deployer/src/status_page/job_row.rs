//! The texts about a job.

use serde::Serialize;
use url::Url;

use super::repeat_command::submit_command;
use crate::jobs::{Job, JobState};
use crate::timestamp::Timestamp;

/// A job.
#[derive(Debug, Default, Serialize)]
pub(super) struct JobRow {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) state: String,
    /// True until its last state.
    pub(super) is_open: bool,
    pub(super) when: Option<Timestamp>,
    pub(super) summary: Option<String>,
    pub(super) problems: Vec<JobProblem>,
    /// The command that submits it again, if it failed.
    pub(super) repeat: Option<String>,
}

/// A reason why a job failed.
#[derive(Debug, Default, Serialize)]
pub(super) struct JobProblem {
    pub(super) profile: Option<String>,
    pub(super) error: String,
    pub(super) hint: Option<String>,
}

impl JobRow {
    pub(super) fn of(job: &Job, base: &Url) -> Self {
        let kind = serde_json::to_value(&job.request).unwrap_or_default();
        let problems = job.errors.iter().map(|failure| JobProblem {
            profile: failure.profile.as_ref().map(ToString::to_string),
            error: failure.error.clone(),
            hint: failure.hint.clone(),
        });
        let repeat = (job.state == JobState::Failed).then(|| submit_command(base, &job.request));
        Self {
            id: job.id.to_string(),
            kind: kind["kind"].as_str().unwrap_or_default().to_owned(),
            state: job.state.to_string(),
            is_open: !job.state.is_final(),
            when: Some(job.finished_at.or(job.started_at).unwrap_or(job.created_at)),
            summary: job.summary.clone(),
            problems: problems.collect(),
            repeat: repeat.flatten(),
        }
    }
}
