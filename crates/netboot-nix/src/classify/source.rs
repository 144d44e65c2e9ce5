//! Problems with a flake's own files.

use percent_encoding::percent_decode_str;

use crate::classify::text::{in_source, quoted_after};
use crate::error::Error;
use crate::error::git_problem::{GitProblem, GitRefusal};
use crate::flake_reference::FlakeReference;
use crate::nix_output::NixOutput;

/// The error for a problem with the flake's own files, in any phase. `url` is the locked URL of the
/// flake, if it is known.
pub(super) fn source_problem(
    flake: &FlakeReference,
    url: Option<&str>,
    nix_output: &NixOutput,
) -> Option<Error> {
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
    // The flake's inputs and its code fetch other sources.
    let message = nix_output.find(&["NAR hash mismatch in input"])?;
    let changed = quoted_after(message, "NAR hash mismatch in input")?;
    let is_it = [Some(flake.as_str()), url].into_iter().flatten().any(|own| is_same(own, changed));
    is_it.then_some(Error::SourceChanged { reference })
}

/// Returns true if two references have the same address, or the same hash in their parameters.
fn is_same(own: &str, other: &str) -> bool {
    let address = |reference: &str| {
        let address = reference.split('?').next().unwrap_or_default();
        let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
        // A message shows no credentials.
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        format!("{scheme}://{host}/{path}").trim_end_matches('/').to_owned()
    };
    let hash = |reference: &str| {
        let (_, hash) = reference.split_once("narHash=")?;
        let hash = hash.split('&').next().unwrap_or(hash);
        Some(percent_decode_str(hash).decode_utf8_lossy().into_owned())
    };
    address(own) == address(other) || hash(own).is_some() && hash(own) == hash(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_flake_itself_is_the_source_that_changed() {
        let own = "git+https://a:b@example.org/infra?narHash=sha256-a%3D&rev=1";
        for (other, is_it) in [
            ("git+https://***@example.org/infra?rev=1", true),
            ("git+https://example.org/infra/", true),
            ("git+https://example.org/infrastructure", false),
            ("https://example.org/infra", false),
            ("path:/srv/infra?narHash=sha256-a=", true),
            ("path:/srv/infra?narHash=sha256-b=", false),
            ("path:/srv/infra?narHash=sha256%2Da%3d", true),
        ] {
            assert_eq!(is_same(own, other), is_it, "{other}");
        }
        assert!(!is_same("path:/a@x", "path:/b@x") && is_same("path:/a@x", "path:/a@x"));
        assert!(!is_same("https://example.org/a@x", "https://example.org/b@x"));
    }
}
