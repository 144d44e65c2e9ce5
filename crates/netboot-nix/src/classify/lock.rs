//! Causes of a failure to lock a flake.

use std::process::ExitStatus;

use crate::classify::any_phase::Failure;
use crate::classify::code::evaluation_problem;
use crate::classify::source::source_problem;
use crate::error::Error;
use crate::error::problem::EvaluationProblem;
use crate::error::subject::Subject;
use crate::flake_reference::FlakeReference;
use crate::nix_output::NixOutput;

/// The error for a flake that Nix could not lock, or `None` if the messages are unknown.
pub(crate) fn lock(
    flake: &FlakeReference,
    nix_output: &NixOutput,
    status: ExitStatus,
) -> Option<Error> {
    let reference = flake.to_string();
    let subject = Subject::Flake(reference.clone());
    let failure = Failure { subject: &subject, nix_output, status, build_log: None };
    let known = failure
        .feature_disabled()
        .or_else(|| source_problem(flake, nix_output))
        .or_else(|| failure.unsigned())
        .or_else(|| failure.network())
        .or_else(|| failure.git())
        .or_else(|| failure.disk_full(Vec::new()))
        .or_else(|| failure.daemon_unreachable())
        .or_else(|| failure.permission_denied())
        .or_else(|| failure.interrupted());
    if known.is_some() {
        return known;
    }
    let message = nix_output.last()?;
    Some(match evaluation_problem(&message.text) {
        // Nix has no special message for a missing flake. If a local flake exists, the cause is
        // another one.
        EvaluationProblem::Thrown | EvaluationProblem::MissingFile { .. }
            if !flake.is_present() =>
        {
            let line = nix_output.lines.iter().next();
            let words: Vec<&str> = std::iter::once(message.text.as_str()).chain(line).collect();
            Error::FlakeNotFound { reference, message: Some(words.join(": ").into()) }
        }
        problem => Error::Evaluation {
            attribute: reference,
            problem,
            message: message.text.clone(),
            position: message.position.clone(),
        },
    })
}
