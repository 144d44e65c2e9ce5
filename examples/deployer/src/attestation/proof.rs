//! The proof of one machine.

use netboot_attestation::Unrecognised;
use netboot_core::{ProfileName, ReleaseId};
use serde::{Serialize, Serializer};

use crate::reports::{Report, latest_boot};
use crate::timestamp::Timestamp;

/// The result of a sound quote of a machine's own TPM.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Proof {
    /// The time of the quote.
    pub(crate) at: Timestamp,
    /// The number of times that the TPM was reset. It grows with each start of the machine.
    pub(crate) reset_count: u32,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// The first report of the boot before the quote, if there is one. Times tell no order, because
    /// a clock can be wrong.
    #[serde(skip)]
    pub(super) boot: Option<Report>,
}

/// The statement of the PCRs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The machine booted the UKI of this release and profile.
    Proven { release: ReleaseId, profile: ProfileName },
    /// The PCRs are those of no release here.
    #[serde(serialize_with = "as_text")]
    Unrecognised(Unrecognised),
}

impl Proof {
    /// The release that the machine booted.
    pub(crate) fn release(&self) -> Option<ReleaseId> {
        match &self.outcome {
            Outcome::Proven { release, .. } => Some(*release),
            Outcome::Unrecognised(_) => None,
        }
    }

    /// The reason why no release is proven.
    pub(crate) fn problem(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Proven { .. } => None,
            Outcome::Unrecognised(problem) => Some(problem.to_string()),
        }
    }

    /// Returns true if the machine has not begun another boot since.
    pub(crate) fn is_of_boot(&self, reports: &[Report]) -> bool {
        latest_boot(reports).first() == self.boot.as_ref()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn as_text<S: Serializer>(problem: &Unrecognised, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(problem)
}
