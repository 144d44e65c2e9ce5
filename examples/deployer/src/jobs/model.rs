//! A job as it is asked for, as it is kept, and as clients see it: one JSON for all three.

use std::collections::BTreeMap;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use netboot_core::{ProfileName, ReleaseId, SiteName};
use serde::{Deserialize, Serialize};

use crate::causes::with_causes;
use crate::timestamp::Timestamp;

/// The number of a job, in the order in which they were asked for. In JSON it is a text: clients
/// are not to count with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct JobId(pub(super) u64);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum JobRequest {
    /// Build images, and keep them.
    Build {
        /// Of which profiles; all of the configuration's where none is named.
        #[serde(default)]
        profiles: Vec<ProfileName>,
    },
    /// Stage a release of what a job built and of the live release's other profiles.
    Stage {
        /// The job.
        build: JobId,
    },
    /// Boot a staged release in QEMU.
    Prove {
        /// The release.
        release: ReleaseId,
        /// Which image; all of the release's by default.
        #[serde(default)]
        profile: Option<ProfileName>,
    },
    /// Make a staged release live.
    Activate {
        /// The release.
        release: ReleaseId,
    },
    /// Make a release live again.
    Rollback {
        /// Which one.
        to: RollbackTarget,
    },
    /// Build, stage, prove if asked to, and activate.
    Deploy {
        /// As of a build.
        #[serde(default)]
        profiles: Vec<ProfileName>,
        /// Whether it goes live only if every image comes up in QEMU.
        #[serde(default)]
        prove: bool,
    },
}

/// What a rollback goes back to: `"previous"`, or a release's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum RollbackTarget {
    /// What was live before the live release, at the directory that machines boot from.
    Previous,
    /// This one.
    Release(ReleaseId),
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum JobState {
    /// It waits for others, or for the service to start again.
    Queued,
    /// It is being worked on.
    Running,
    /// It is done.
    Succeeded,
    /// It could not be done.
    Failed,
    /// Somebody did not want it any more.
    Cancelled,
}

impl JobState {
    /// Whether nothing will change any more.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Why a job failed: in all, or for one profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// The profile, where it concerns one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<ProfileName>,
    /// What went wrong, causes included.
    pub(crate) error: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// What keeps a profile from being built.
    pub(super) fn of_profile(profile: &ProfileName, error: &netboot_core::Error) -> Self {
        let (text, hint) = (with_causes(error), error.hint());
        Self { profile: Some(profile.clone()), error: text, hint }
    }
}

/// A job, and what it has come to. This is what the journal holds: after any end of the service,
/// the work goes on from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Its number.
    pub(crate) id: JobId,
    /// What is to be done.
    #[serde(flatten)]
    pub(crate) request: JobRequest,
    /// How far it is.
    pub(crate) state: JobState,
    /// How often it was begun: more than once where the service ended meanwhile.
    pub(crate) attempts: u32,
    /// When it was asked for.
    pub(crate) created_at: Timestamp,
    /// When it was begun last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
    /// When it came to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished_at: Option<Timestamp>,
    /// What holds the images that it built, among the builds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) built: Option<ReleaseId>,
    /// The release that it staged, proved, or made live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<ReleaseId>,
    /// What it did, in one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<String>,
    /// Whether its release is on its way to go live: from then on it is not cancelled, but brought
    /// to its end, since machines may have seen it already.
    #[serde(default)]
    pub(crate) going_live: bool,
    /// What was live at each publisher before: where some release was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) live_before: BTreeMap<SiteName, ReleaseId>,
    /// Whether somebody does not want it any more.
    #[serde(default)]
    pub(crate) cancel_requested: bool,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Failure>,
}

impl Job {
    pub(super) fn new(id: JobId, request: JobRequest) -> Self {
        Self {
            id,
            request,
            state: JobState::Queued,
            attempts: 0,
            created_at: Timestamp::now(),
            started_at: None,
            finished_at: None,
            built: None,
            result: None,
            summary: None,
            going_live: false,
            live_before: BTreeMap::new(),
            cancel_requested: false,
            errors: Vec::new(),
        }
    }

    /// Sets how it ended.
    pub(super) fn finish(&mut self, state: JobState) {
        self.state = state;
        self.finished_at = Some(Timestamp::now());
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl TryFrom<String> for JobId {
    type Error = ParseIntError;
    fn try_from(text: String) -> Result<Self, ParseIntError> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for RollbackTarget {
    type Error = netboot_core::InvalidValue;
    fn try_from(text: String) -> Result<Self, netboot_core::InvalidValue> {
        match text.as_str() {
            "previous" => Ok(Self::Previous),
            release => release.parse().map(Self::Release),
        }
    }
}

impl From<RollbackTarget> for String {
    fn from(target: RollbackTarget) -> Self {
        match target {
            RollbackTarget::Previous => "previous".to_owned(),
            RollbackTarget::Release(release) => release.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_strictly() {
        let read = |text: &str| serde_json::from_str::<JobRequest>(text);
        let build = JobRequest::Build { profiles: Vec::new() };
        assert_eq!(read(r#"{"kind":"build"}"#).unwrap(), build);
        assert!(read(r#"{"kind":"stage","build":"7"}"#).is_ok());
        assert!(read(r#"{"kind":"rollback","to":"previous"}"#).is_ok());
        for wrong in [
            r#"{"kind":"build","profile":"worker"}"#,
            r#"{"kind":"build","profiles":["../etc"]}"#,
            r#"{"kind":"stage","build":"-7"}"#,
            r#"{"kind":"stage","build":7}"#,
            r#"{"kind":"rollback","to":"yesterday"}"#,
            r#"{"kind":"activate"}"#,
            r#"{"kind":"reboot"}"#,
            "{}",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let mut job = Job::new(JobId(7), JobRequest::Deploy { profiles: vec![], prove: true });
        job.finish(JobState::Failed);
        let error = "it did not boot".to_owned();
        job.errors.push(Failure { profile: None, error, hint: None });
        let text = serde_json::to_string(&job).unwrap();
        let again: Job = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
        assert!(text.contains(r#""id":"7","kind":"deploy""#), "{text}");
    }
}
