//! The messages of nixpkgs about Nix itself and about packages that it refuses.

use crate::error::package_refusal::{PackageRefusal, RefusedPackage};
use crate::error::problem::EvaluationProblem;

/// The words with which nixpkgs' advice begins. The advice is about `nix-env`, NixOS and
/// environment variables, which have no effect here.
const ADVICE: [&str; 5] = [
    "\na) To temporarily allow",
    "\nYou can install it anyway",
    "\nSee also https://",
    "\nTo allow evaluation regardless",
    ", please upgrade",
];

/// The kind of problem that a message of nixpkgs reports, and the message without advice.
pub(super) fn problem_of_nixpkgs(message: &str) -> Option<(EvaluationProblem, &str)> {
    let indented = |advice: &str| {
        let text = advice.trim_start_matches('\n');
        message.match_indices(text).map(|(index, _)| index).find(|index| {
            !advice.starts_with('\n') || message[..*index].trim_end_matches(' ').ends_with('\n')
        })
    };
    let end = ADVICE.iter().filter_map(|advice| indented(advice)).min();
    let statement = message[..end.unwrap_or(message.len())].trim();
    let problem = nix_too_old(statement).or_else(|| package_refused(statement))?;
    Some((problem, statement))
}

/// Nixpkgs since 25.11 needs Nix 2.18. It says so with the name of a version, and since 26.05 with
/// a list of features.
fn nix_too_old(statement: &str) -> Option<EvaluationProblem> {
    let asks =
        ["requires Nix >= ", "requires an implementation of Nix with the following features"];
    if !asks.iter().any(|text| statement.contains(text)) {
        return None;
    }
    let before = ["requires Nix >= ", "`builtins.nixVersion` reports at least "];
    let required = before.iter().find_map(|before| {
        let (_, rest) = statement.split_once(before)?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let version = rest[..end].trim_end_matches('.');
        (!version.is_empty()).then(|| version.to_owned())
    });
    Some(EvaluationProblem::NixTooOld { required })
}

fn package_refused(statement: &str) -> Option<EvaluationProblem> {
    let (before, rest) = statement.split_once("Refusing to evaluate package ").or_else(|| {
        statement.split_once("Package ").filter(|_| statement.contains("refusing to ev"))
    })?;
    if !before.is_empty() {
        return None;
    }
    let is_quote = |c: char| matches!(c, '\'' | '‘' | '’' | '`');
    let package = rest.trim_start_matches(is_quote).split(is_quote).next()?;
    // A hint shows the name within Nix code and JSON.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-._?=".contains(c);
    if package.is_empty() || !package.chars().all(is_plain) {
        return None;
    }
    let refusal = refusal(rest)?;
    let package = RefusedPackage { name: package.to_owned(), refusal };
    Some(EvaluationProblem::PackageRefused { package: Box::new(package) })
}

fn refusal(statement: &str) -> Option<PackageRefusal> {
    let has = |text: &str| statement.contains(text);
    Some(if has("has an unfree license") {
        PackageRefusal::Unfree
    } else if has("is marked as insecure") {
        PackageRefusal::Insecure
    } else if has("is marked as broken") {
        PackageRefusal::Broken
    } else if has("is not available on the requested hostPlatform") || has("is not supported on") {
        PackageRefusal::UnsupportedSystem
    } else if has("contains elements not built from source") {
        PackageRefusal::NotFromSource
    } else if has("has a blocklisted license") || has("has a blacklisted license") {
        PackageRefusal::Blocklisted
    } else {
        let (_, problems) = statement.split_once("has problems:")?;
        let mut names = problems.lines().filter_map(|line| {
            let (name, _) = line.trim().strip_prefix("- ")?.split_once([':', ' '])?;
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            is_name.then_some(name)
        });
        let name = names.next()?;
        if name == "broken" {
            PackageRefusal::Broken
        } else {
            PackageRefusal::Problem { name: name.to_owned() }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of nixpkgs 26.11 and of earlier ones.
    #[test]
    fn each_message_is_told_from_the_others() {
        let refused = |package: &str, refusal| {
            let package = RefusedPackage { name: package.to_owned(), refusal };
            Some(EvaluationProblem::PackageRefused { package: Box::new(package) })
        };
        let removal = PackageRefusal::Problem { name: "removal".to_owned() };
        let required = Some("2.18".to_owned());
        for (message, problem) in [
            (
                "Package ‘steam-1.0’ in /s/steam.nix:4 has an unfree license (‘unfree’), refusing to evaluate.\n\na) To temporarily allow unfree packages, …",
                refused("steam-1.0", PackageRefusal::Unfree),
            ),
            (
                "Refusing to evaluate package 'steam-1.0' in /s/steam.nix:4 because it has an unfree license (‘unfree’)\na) To temporarily allow",
                refused("steam-1.0", PackageRefusal::Unfree),
            ),
            (
                "Package ‘python-2.7.18.8’ in /s/x.nix:1 is marked as insecure, refusing to evaluate.\n\n\nKnown issues:\n - old",
                refused("python-2.7.18.8", PackageRefusal::Insecure),
            ),
            (
                "Package ‘zfs-kernel-2.1-6.6’ in /s/x.nix:1 is marked as broken, refusing to evaluate.",
                refused("zfs-kernel-2.1-6.6", PackageRefusal::Broken),
            ),
            (
                "Refusing to evaluate package 'zfs-2' in /s/x.nix:1 because it has problems:\n- removal: soon\n\nSee also https://nixos.org",
                refused("zfs-2", removal),
            ),
            (
                "Refusing to evaluate package 'zfs-2' in «unknown-file» because it has problems:\n- broken: This package is broken.\n",
                refused("zfs-2", PackageRefusal::Broken),
            ),
            (
                "Package ‘x-1’ in /s/x.nix:1 is not available on the requested hostPlatform:\n  hostPlatform.system = \"x86_64-linux\"\n, refusing to evaluate.",
                refused("x-1", PackageRefusal::UnsupportedSystem),
            ),
            (
                "evaluation aborted with the following error message: '\nThis version of Nixpkgs requires Nix >= 2.18, please upgrade:\n\n- If you are running NixOS",
                Some(EvaluationProblem::NixTooOld { required: required.clone() }),
            ),
            (
                "This version of Nixpkgs requires an implementation of Nix with the following features:\n- `builtins.nixVersion` reports at least 2.18\n\nYou are evaluating with Nix 2.8.0, please upgrade:\n\n- If",
                Some(EvaluationProblem::NixTooOld { required }),
            ),
            ("our Package ‘x-1’ is marked as broken, refusing to evaluate", None),
            ("Package ‘x\" + y’ in a is marked as broken, refusing to evaluate.", None),
            ("set a key first", None),
        ] {
            let found = problem_of_nixpkgs(message);
            assert_eq!(found.as_ref().map(|(problem, _)| problem), problem.as_ref(), "{message}");
            if let Some((_, statement)) = found {
                for advice in ["temporarily", "upgrade", "See also"] {
                    assert!(!statement.contains(advice), "{statement}");
                }
            }
        }
    }
}
