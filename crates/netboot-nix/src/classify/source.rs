//! Problems with a flake's own files.

use crate::classify::text::{in_source, quoted_after};
use crate::error::Error;
use crate::flake_reference::FlakeReference;
use crate::nix_output::NixOutput;

/// The error for a problem with the flake's own files, in any phase.
pub(super) fn source_problem(flake: &FlakeReference, nix_output: &NixOutput) -> Option<Error> {
    let reference = flake.to_string();
    if let Some(message) = nix_output.find(&["requires lock file changes"]) {
        return Some(Error::LockFileOutdated { reference, message: message.into() });
    }
    if let Some(message) = nix_output.find(&["Git tree '"])
        && message.contains("is dirty")
    {
        let repository = quoted_after(message, "Git tree").unwrap_or(&reference).to_owned();
        return Some(Error::DirtyTree { repository });
    }
    let ownership =
        ["is not owned by current user", "dubious ownership", "is owned by someone else"];
    if let Some(message) = nix_output.find(&ownership).or_else(|| nix_output.line_with(&ownership))
    {
        let named = quoted_after(message, "repository path")
            .or_else(|| quoted_after(message, "repository at"))
            .or_else(|| quoted_after(message, "repository"));
        let place = flake.repository().map(|path| path.display().to_string());
        let repository = named.map(str::to_owned).or(place).unwrap_or(reference);
        return Some(Error::RepositoryOwner { repository });
    }
    if let Some(message) = nix_output.find(&["is not tracked by Git"]) {
        let repository = quoted_after(message, "in the repository").map(std::path::Path::new);
        let file = in_source(quoted_after(message, "Path").unwrap_or_default());
        let path = repository.map_or_else(|| file.into(), |place| place.join(file));
        return Some(Error::FileNotTracked { path });
    }
    nix_output.find(&["NAR hash mismatch in input"]).map(|_| Error::SourceChanged { reference })
}
