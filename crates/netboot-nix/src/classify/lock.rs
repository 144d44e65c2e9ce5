//! Causes of a failure to lock a flake.

use std::process::ExitStatus;

use crate::classify::any_phase::Failure;
use crate::classify::code::{evaluation_error, evaluation_problem};
use crate::classify::flake_files::unusable_files;
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
        .or_else(|| failure.program_missing())
        .or_else(|| source_problem(flake, None, nix_output))
        .or_else(|| encoded_path(flake, nix_output))
        .or_else(|| unusable_files(flake, nix_output))
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
        _ => evaluation_error(&reference, message),
    })
}

/// The error for a path that Nix does not decode, as before 2.20.
fn encoded_path(flake: &FlakeReference, nix_output: &NixOutput) -> Option<Error> {
    let path = flake.as_str().split('?').next().filter(|path| path.contains('%'))?;
    let path = path.trim_start_matches("path:").trim_start_matches("git+file://");
    let is_named = nix_output.texts().any(|message| message.contains(path));
    // Such a repository is a remote one for Nix, of which it takes `master`.
    let is_remote = !flake.as_str().contains("ref=")
        && nix_output.line_with(&["couldn't find remote ref refs/heads/master"]).is_some();
    (flake.is_present() && (is_named || is_remote)).then(|| Error::UnclearReference {
        reference: flake.to_string(),
        problem: "has characters in its path that this version of Nix does not read",
        suggestion: None,
    })
}
