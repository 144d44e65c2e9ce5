//! Failures as objects for programs, and the failure of work that was cancelled.

use std::error::Error as _;

use netboot_core::{BackendError, ErrorClass, Report};
use serde_json::{Value, json};

use crate::operator_words::for_operators;

/// The work was cancelled. `Display` says in one line what was done, and what was not.
#[derive(Debug, thiserror::Error)]
#[error("Cancelled; {outcome}.")]
pub(crate) struct Cancelled {
    /// The work that was done and that was not, as a clause.
    outcome: String,
}

impl Cancelled {
    /// Work that was cancelled with this outcome, a clause such as `nothing was published`.
    pub(crate) fn report(outcome: impl Into<String>) -> Report {
        Self { outcome: outcome.into() }.into()
    }
}

impl BackendError for Cancelled {
    fn hint(&self) -> Option<String> {
        None
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Cancelled
    }
}

/// A failure as an object: `message`, `causes`, and `hint`, which may be null.
pub(crate) fn failure_object(report: &Report) -> Value {
    let causes = std::iter::successors(report.source(), |cause| (**cause).source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    json!({ "message": report.to_string(), "causes": causes, "hint": report.hint().map(for_operators) })
}
