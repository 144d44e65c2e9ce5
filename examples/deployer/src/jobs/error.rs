//! Why a job came to no good end.

use super::model::Failure;
use crate::causes::with_causes;

/// What ends a job early.
#[derive(Debug)]
pub(super) enum JobError {
    /// Its token was cancelled: by a client, or because the service ends.
    Cancelled,
    /// It cannot be done.
    Failed(Vec<Failure>),
}

impl JobError {
    /// A failure that the service finds itself.
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

impl From<std::io::Error> for JobError {
    fn from(error: std::io::Error) -> Self {
        let hint = "see that the state directory can be written and its disk is not full";
        Self::new(format!("the job cannot be written down: {error}"), hint)
    }
}
