//! The outcome of publishing, for people and for programs.

use netboot_core::{ReleaseId, Report};
use netboot_publish::{Error, Outcome, ProofReport, Receipt, SiteOutcome, Staged};
use serde_json::{Map, Value, json};

use super::destination::Destination;
use super::error::PublicationError;
use crate::answer::{Answer, FAILED, FOUND};
use crate::failure::{Cancelled, failure_object};
use crate::session::Session;
use crate::shown_receipt;

/// The outcome at one target.
#[derive(Debug)]
pub(crate) struct Published {
    target: String,
    outcome: At,
    proof: Option<ProofReport>,
}

/// The work at a target that was done as it was wanted.
#[derive(Debug)]
pub(super) enum Done {
    Live(Box<Receipt>, Option<ProofReport>),
    Staged(Box<Staged>),
}

#[derive(Debug)]
enum At {
    Live(Box<Receipt>),
    /// The release is there, and nobody wanted it to go live.
    StagedOnly(Box<Staged>),
    /// The release is there and not live, because it did not go live at another target.
    Staged(ReleaseId),
    /// The release was live for a moment, and did not go live at another target.
    RolledBack(ReleaseId),
    Failed {
        report: Report,
        did_not_come_up: bool,
    },
    /// The release may be live although it should be live nowhere.
    NotRolledBack(Report),
}

impl Published {
    pub(super) fn of_result(
        destination: &Destination,
        result: Result<Done, PublicationError>,
    ) -> Self {
        let (outcome, proof) = match result {
            Ok(Done::Live(receipt, proof)) => (At::Live(receipt), proof),
            Ok(Done::Staged(staged)) => (At::StagedOnly(staged), None),
            Err(error) => (At::failed(error), None),
        };
        Self { target: destination.target.to_string(), outcome, proof }
    }

    /// A target that nothing was published to.
    pub(super) fn of_failure(target: String, report: Report) -> Self {
        let outcome = At::Failed { report, did_not_come_up: false };
        Self { target, outcome, proof: None }
    }

    pub(super) fn of_site(
        destination: &Destination,
        release: ReleaseId,
        outcome: SiteOutcome,
        proof: Option<ProofReport>,
    ) -> Self {
        let outcome = match outcome {
            SiteOutcome::Live(receipt) => At::Live(Box::new(receipt)),
            SiteOutcome::RolledBack(_) => At::RolledBack(release),
            SiteOutcome::Failed(error) => At::failed(PublicationError::Publish(error)),
            SiteOutcome::NotRolledBack(error) => At::NotRolledBack(error.into()),
            // Also an outcome that a later version of the library adds.
            _ => At::Staged(release),
        };
        Self { target: destination.target.to_string(), outcome, proof }
    }

    /// The release that is live at the target now, if this call made it live.
    pub(crate) fn live(&self) -> Option<&Receipt> {
        match &self.outcome {
            At::Live(receipt) => Some(receipt),
            _ => None,
        }
    }

    /// The release, if the work at the target was done as it was wanted.
    fn done(&self) -> Option<&ReleaseId> {
        match &self.outcome {
            At::Live(receipt) => Some(&receipt.release),
            At::StagedOnly(staged) => Some(&staged.release),
            _ => None,
        }
    }

    /// The target.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// The reason why the release is not live at the target.
    pub(super) fn failure(&self) -> Option<&Report> {
        self.outcome.failure().map(|(report, _)| report)
    }

    fn object(&self) -> Value {
        let (outcome, release, error) = match &self.outcome {
            At::Live(receipt) => ("live", Some(receipt.release), None),
            At::StagedOnly(staged) => ("staged", Some(staged.release), None),
            At::Staged(release) => ("staged", Some(*release), None),
            At::RolledBack(release) => ("rolled-back", Some(*release), None),
            At::Failed { report, .. } => ("failed", None, Some(report)),
            At::NotRolledBack(report) => ("not-rolled-back", None, Some(report)),
        };
        let receipt = self.live();
        let staged = match &self.outcome {
            At::StagedOnly(staged) => Some(&**staged),
            _ => receipt.and_then(|receipt| receipt.staged.as_ref()),
        };
        json!({
            "target": self.target,
            "outcome": outcome,
            "release": release.map(|release| release.to_string()),
            "previous": receipt.and_then(|receipt| Some(receipt.previous?.to_string())),
            "changed": receipt.map(|receipt| receipt.outcome != Outcome::Unchanged),
            "sent_bytes": staged.map(|staged| staged.sent_bytes),
            "present_bytes": staged.map(|staged| staged.present_bytes),
            "order_guarded": receipt.map(Receipt::order_guarded),
            "without": receipt.map(|receipt| &receipt.without),
            "proofs": self.proof.as_ref().map(proofs),
            "error": error.map(failure_object),
        })
    }

    /// Tells people the outcome, on standard error.
    fn tell(&self, session: &Session) {
        let target = &self.target;
        let line = |text: &str| session.progress.line(&format!("{target}: {text}"));
        if let Some(proof) = &self.proof {
            proof.to_string().lines().for_each(line);
        }
        match &self.outcome {
            At::Live(receipt) => shown_receipt::lines(receipt).iter().for_each(|text| line(text)),
            At::StagedOnly(staged) => {
                line(&format!("{staged}"));
                line(&format!(
                    "staged, not live; `netboot activate TARGET {}` makes it live",
                    staged.release.short()
                ));
            }
            At::Staged(_) => line("staged, not live"),
            At::RolledBack(_) => line("rolled back"),
            At::Failed { report, .. } => line(&report.in_full()),
            At::NotRolledBack(report) => {
                line("the release may be live here only, because it could not be rolled back");
                line(&report.in_full());
            }
        }
    }
}

/// The images that were booted, and those that were not.
fn proofs(proof: &ProofReport) -> Vec<Value> {
    let came_up = proof.proofs.iter().map(|(profile, proof)| {
        json!({ "profile": profile, "came_up": true, "summary": proof.summary.to_string() })
    });
    let untried = proof.untried.iter();
    let untried =
        untried.map(|profile| json!({ "profile": profile, "came_up": null, "summary": null }));
    came_up.chain(untried).collect()
}

impl At {
    fn failed(error: PublicationError) -> Self {
        let did_not_come_up = matches!(error, PublicationError::Publish(Error::NotProven { .. }));
        Self::Failed { report: error.into(), did_not_come_up }
    }
}

/// Tells the outcomes, and makes the answer of a command that published. `object` is the part of
/// the answer that the command adds.
///
/// Standard output has the id of the release that is live or staged now at each target, in the
/// order of the command line; with several targets, each id is followed by its target.
///
/// # Errors
/// If the work was cancelled.
pub(crate) fn answer(
    session: &Session,
    published: &[Published],
    mut object: Map<String, Value>,
) -> Result<Answer, Report> {
    if session.context.check().is_err() && published.iter().any(|one| one.done().is_none()) {
        return Err(cancelled(published));
    }
    for one in published {
        one.tell(session);
    }
    let line = |one: &Published| {
        let release = one.done()?;
        Some(match published {
            [_] => release.to_string(),
            _ => format!("{release} {}", one.target()),
        })
    };
    let lines: Vec<String> = published.iter().filter_map(line).collect();
    let failures: Vec<(&Report, bool)> =
        published.iter().filter_map(|one| one.outcome.failure()).collect();
    let objects = published.iter().map(Published::object).collect();
    object.insert("targets".to_owned(), objects);
    if let Some((report, _)) = failures.first() {
        object.insert("error".to_owned(), failure_object(report));
    }
    let exit_code = match &failures[..] {
        [] => 0,
        failures if failures.iter().all(|(_, did_not_come_up)| *did_not_come_up) => FOUND,
        _ => FAILED,
    };
    Ok(Answer::new(lines.join("\n"), object).with_exit_code(exit_code))
}

impl At {
    fn failure(&self) -> Option<(&Report, bool)> {
        match self {
            Self::Failed { report, did_not_come_up } => Some((report, *did_not_come_up)),
            Self::NotRolledBack(report) => Some((report, false)),
            Self::Live(_) | Self::StagedOnly(_) | Self::Staged(_) | Self::RolledBack(_) => None,
        }
    }
}

/// The end of a command that was cancelled while it published.
fn cancelled(published: &[Published]) -> Report {
    let (done, not_done): (Vec<&Published>, Vec<&Published>) =
        published.iter().partition(|one| one.done().is_some());
    let names = |some: &[&Published]| {
        some.iter().map(|one| one.target().to_owned()).collect::<Vec<_>>().join(", ")
    };
    if done.is_empty() {
        return Cancelled::report("nothing was published");
    }
    Cancelled::report(format!("published to {}, not to {}", names(&done), names(&not_done)))
}
