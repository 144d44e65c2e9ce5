//! Why a flake could not be locked.

use std::process::ExitStatus;

use super::any_phase::Failure;
use super::evaluation::of_code;
use super::text::{in_source, quoted_after};
use crate::said::Said;
use crate::{Error, EvaluationProblem, FlakeReference, Subject};

/// Reads what Nix said when it could not lock a flake.
pub(crate) fn lock(flake: &FlakeReference, said: &Said, status: ExitStatus) -> Option<Error> {
    let reference = flake.to_string();
    let subject = Subject::Flake(reference.clone());
    let failure = Failure { subject: &subject, said, status, build_log: None };
    let known = failure
        .feature_disabled()
        .or_else(|| of_source(flake, said))
        .or_else(|| failure.unsigned())
        .or_else(|| failure.network())
        .or_else(|| failure.disk_full(Vec::new()))
        .or_else(|| failure.daemon_unreachable())
        .or_else(|| failure.permission_denied())
        .or_else(|| failure.interrupted());
    if known.is_some() {
        return known;
    }
    let message = said.last()?;
    Some(match of_code(&message.text) {
        // Nix has no text of its own for a flake that is not there. A local one that is there has
        // something else wrong with it.
        EvaluationProblem::Thrown | EvaluationProblem::MissingFile { .. }
            if !flake.is_present() =>
        {
            let line = said.lines.iter().next();
            let words: Vec<&str> = std::iter::once(message.text.as_str()).chain(line).collect();
            Error::FlakeNotFound { reference, message: Some(words.join(": ")) }
        }
        problem => Error::Evaluation {
            attribute: reference,
            problem,
            message: message.text.clone(),
            position: message.position.clone(),
        },
    })
}

/// What is wrong with the flake's own files, in whatever phase it is noticed.
pub(super) fn of_source(flake: &FlakeReference, said: &Said) -> Option<Error> {
    let reference = flake.to_string();
    if let Some(message) = said.find(&["requires lock file changes"]) {
        return Some(Error::LockFileOutdated { reference, message: message.to_owned() });
    }
    if let Some(message) = said.find(&["Git tree '"])
        && message.contains("is dirty")
    {
        let repository = quoted_after(message, "Git tree").unwrap_or(&reference).to_owned();
        return Some(Error::DirtyTree { repository });
    }
    let ownership =
        ["is not owned by current user", "dubious ownership", "is owned by someone else"];
    if let Some(message) = said.find(&ownership).or_else(|| said.line_with(&ownership)) {
        let named = quoted_after(message, "repository path")
            .or_else(|| quoted_after(message, "repository at"))
            .or_else(|| quoted_after(message, "repository"));
        let place = flake.repository().map(|path| path.display().to_string());
        let repository = named.map(str::to_owned).or(place).unwrap_or(reference);
        return Some(Error::RepositoryOwner { repository });
    }
    if let Some(message) = said.find(&["is not tracked by Git"]) {
        let repository = quoted_after(message, "in the repository").map(std::path::Path::new);
        let file = in_source(quoted_after(message, "Path").unwrap_or_default());
        let path = repository.map_or_else(|| file.into(), |place| place.join(file));
        return Some(Error::FileNotTracked { path });
    }
    said.find(&["NAR hash mismatch in input"]).map(|_| Error::SourceChanged { reference })
}
