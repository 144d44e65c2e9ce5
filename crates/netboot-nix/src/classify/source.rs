//! Problems with a flake's own files.

use crate::classify::text::{in_source, quoted_after};
use crate::error::Error;
use crate::error::git_problem::{GitProblem, GitRefusal};
use crate::flake_reference::FlakeReference;
use crate::nix_output::NixOutput;

/// The error for a problem with the flake's own files, in any phase.
pub(super) fn source_problem(flake: &FlakeReference, nix_output: &NixOutput) -> Option<Error> {
    let reference = flake.to_string();
    if let Some(message) = nix_output.find(&["requires lock file changes"]) {
        return Some(Error::LockFileOutdated { reference, message: message.into() });
    }
    let place = flake.repository().map(|path| path.display().to_string());
    let refused = |problem, named: Option<&str>, message: &str| {
        let named = named.map(str::to_owned).or(place).unwrap_or_else(|| reference.clone());
        Error::Git { refusal: GitRefusal::new(problem, named, message) }
    };
    if let Some(message) = nix_output.find(&["Git tree '"])
        && message.contains("is dirty")
    {
        return Some(refused(GitProblem::Uncommitted, quoted_after(message, "Git tree"), message));
    }
    let ownership =
        ["is not owned by current user", "dubious ownership", "is owned by someone else"];
    if let Some(message) = nix_output.find(&ownership).or_else(|| nix_output.line_with(&ownership))
    {
        let named = quoted_after(message, "repository path")
            .or_else(|| quoted_after(message, "repository at"))
            .or_else(|| quoted_after(message, "repository"));
        return Some(refused(GitProblem::OtherOwner, named, message));
    }
    if let Some(message) = nix_output.find(&["is not tracked by Git"]) {
        let path = in_source(quoted_after(message, "Path").unwrap_or_default()).into();
        let problem = GitProblem::NotTracked { path, ignored: false };
        return Some(refused(problem, quoted_after(message, "in the repository"), message));
    }
    nix_output.find(&["NAR hash mismatch in input"]).map(|_| Error::SourceChanged { reference })
}
