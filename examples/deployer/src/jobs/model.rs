//! Jobs in one JSON form, which is used in requests, in the journal and in answers.

use std::collections::BTreeMap;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use netboot_core::{ProfileName, ReleaseId, SiteName};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::causes::with_causes;
use crate::timestamp::Timestamp;

/// The maximum length of a list of profiles in a request.
const MOST_PROFILES: usize = 256;

/// The number of a job, in the order of submission. It is a string in JSON, because clients should
/// not calculate with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct JobId(pub(super) u64);

/// The work of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum JobRequest {
    /// Build images and store them.
    Build {
        /// The profiles to build; by default, all profiles of the configuration.
        #[serde(default, deserialize_with = "distinct")]
        profiles: Vec<ProfileName>,
    },
    /// Stage a release of the images that a job built and of the live release's other profiles.
    Stage {
        /// The job that built the images.
        build: JobId,
    },
    /// Boot a staged release in QEMU.
    Prove {
        /// The release.
        release: ReleaseId,
        /// The profile whose image to boot; by default, all profiles of the release.
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
        /// The release to go back to.
        to: RollbackTarget,
    },
    /// Build, stage, optionally prove, and activate.
    Deploy {
        /// The profiles to build, as in a build.
        #[serde(default, deserialize_with = "distinct")]
        profiles: Vec<ProfileName>,
        /// True if the release goes live only if every image comes up in QEMU.
        #[serde(default)]
        prove: bool,
    },
}

/// The goal of a rollback: `"previous"`, or the id of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum RollbackTarget {
    /// The release that was live before the live one, in the directory that machines boot from.
    Previous,
    /// This release.
    Release(ReleaseId),
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum JobState {
    /// It waits for other jobs, or for the service to start again.
    Queued,
    /// It runs.
    Running,
    /// It has succeeded.
    Succeeded,
    /// It has failed.
    Failed,
    /// A client has cancelled it.
    Cancelled,
}

impl JobState {
    /// Returns true if the state cannot change again.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// The reason why a job failed, for the whole job or for one profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// The profile, if the failure concerns only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<ProfileName>,
    /// The failure and its causes.
    pub(crate) error: String,
    /// The remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// The failure of a profile's build.
    pub(super) fn of_profile(
        profile: &ProfileName,
        error: &(dyn std::error::Error + 'static),
        hint: Option<String>,
    ) -> Self {
        Self { profile: Some(profile.clone()), error: with_causes(error), hint }
    }
}

/// A job and its progress. The journal stores this value, and a restarted service continues from
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The number of the job.
    pub(crate) id: JobId,
    /// The work of the job.
    #[serde(flatten)]
    pub(crate) request: JobRequest,
    /// The state of the job.
    pub(crate) state: JobState,
    /// The number of times that it was started: more than once if the service ended in between.
    pub(crate) attempts: u32,
    /// The time at which it was submitted.
    pub(crate) created_at: Timestamp,
    /// The time at which it was last started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
    /// The time at which it finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished_at: Option<Timestamp>,
    /// The release in the target for builds that holds the images it built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) built: Option<ReleaseId>,
    /// The release that it staged, proved or activated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<ReleaseId>,
    /// A summary of what it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) summary: Option<String>,
    /// True if its release is going live. The job can then not be cancelled and has to complete,
    /// because machines may already have seen the release.
    #[serde(default)]
    pub(crate) going_live: bool,
    /// The release that was live before, for each publisher that had one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) live_before: BTreeMap<SiteName, ReleaseId>,
    /// True if a client has cancelled it.
    #[serde(default)]
    pub(crate) cancel_requested: bool,
    /// The reasons why it failed.
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

    /// Sets the outcome.
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

/// Reads a list of at most [`MOST_PROFILES`] items, and keeps each name once.
fn distinct<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ProfileName>, D::Error> {
    struct Distinct;

    impl<'de> Visitor<'de> for Distinct {
        type Value = Vec<ProfileName>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MOST_PROFILES} names of profiles")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let (mut names, mut count) = (Vec::new(), 0);
            while let Some(name) = items.next_element()? {
                count += 1;
                if count > MOST_PROFILES {
                    return Err(A::Error::invalid_length(count, &self));
                }
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            Ok(names)
        }
    }

    deserializer.deserialize_seq(Distinct)
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
        let twice = JobRequest::Build { profiles: ["b", "a"].map(|p| p.parse().unwrap()).into() };
        assert_eq!(read(r#"{"kind":"build","profiles":["b","a","b"]}"#).unwrap(), twice);
        let list = |count: usize| {
            let names: Vec<String> = (0..count).map(|number| format!("\"p{number}\"")).collect();
            format!(r#"{{"kind":"deploy","profiles":[{}]}}"#, names.join(","))
        };
        assert!(read(&list(MOST_PROFILES)).is_ok());
        let error = read(&list(MOST_PROFILES + 1)).unwrap_err().to_string();
        assert!(error.contains("at most 256 names"), "{error}");
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
    fn a_stored_job_is_read_again() {
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
