//! The reason why a job did not succeed.

use netboot_core::Report;

use super::model::Failure;
use crate::causes::with_causes;

/// The reason why a job ended early.
#[derive(Debug)]
pub(super) enum JobError {
    /// It was cancelled: by a client, or because the service stops.
    Cancelled,
    /// It failed.
    Failed(Vec<Failure>),
}

impl JobError {
    /// A failure that this service detects.
    pub(super) fn new(error: impl Into<String>, hint: impl Into<String>) -> Self {
        let (error, hint) = (error.into(), Some(hint.into()));
        Self::Failed(vec![Failure { profile: None, error, hint }])
    }
}

macro_rules! from_hinted {
    ($($error:ty),+) => {
        $(impl From<$error> for JobError {
            fn from(error: $error) -> Self {
                let (text, hint) = (with_causes(&error), error.hint());
                Self::Failed(vec![Failure { profile: None, error: text, hint }])
            }
        })+
    };
}

from_hinted!(
    netboot_core::Error,
    netboot_nix::Error,
    netboot_ipxe::Error,
    netboot_publish::Error,
    netboot_qemu::Error
);

impl From<Report> for JobError {
    fn from(report: Report) -> Self {
        let (error, hint) = (with_causes(&report), report.hint().map(str::to_owned));
        Self::Failed(vec![Failure { profile: None, error, hint }])
    }
}

impl From<std::io::Error> for JobError {
    fn from(error: std::io::Error) -> Self {
        let hint =
            "check that this user can write to the state directory, and that its disk is not full";
        Self::new(format!("cannot save the job: {error}"), hint)
    }
}
