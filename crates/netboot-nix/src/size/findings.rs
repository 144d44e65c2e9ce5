//! Finds what an image can do without.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::path_info::PathInfo;
use crate::size::finding::{SizeFinding, SizeProblem};
use crate::size::references::reached;
use crate::size::store_path::StorePathSize;

/// The number of bytes from which a finding is told.
const LEAST: u64 = 1 << 20;

/// The size from which a package of locales has all of them. Those of one language have some MiB,
/// and all have more than 200 MiB.
const ALL_LOCALES: u64 = 64 << 20;

/// Packages that only builds need.
const BUILD_TOOLS: [&str; 14] = [
    "binutils",
    "binutils-wrapper",
    "cargo",
    "clang",
    "clang-wrapper",
    "cmake",
    "gcc",
    "gcc-wrapper",
    "ghc",
    "go",
    "meson",
    "ninja",
    "rustc",
    "rustc-wrapper",
];

/// Lists the parts that the system `toplevel` can do without, those that save most first. Looks
/// into the content of the paths where their names do not tell enough.
pub(super) fn findings(
    toplevel: &str,
    paths: &[StorePathSize],
    closure: &BTreeMap<String, PathInfo>,
) -> Vec<SizeFinding> {
    let mut found: BTreeMap<SizeProblem, Vec<&StorePathSize>> = BTreeMap::new();
    for path in paths {
        if let Some(problem) = problem_of(path, toplevel) {
            found.entry(problem).or_default().push(path);
        }
    }
    let kernels: Vec<(&StorePathSize, BTreeSet<String>)> = paths
        .iter()
        .map(|path| (path, releases(Path::new(&path.path))))
        .filter(|(_, releases)| !releases.is_empty())
        .collect();
    let all: BTreeSet<&String> = kernels.iter().flat_map(|(_, releases)| releases).collect();
    if all.len() > 1 {
        let paths = kernels.iter().map(|(path, _)| *path).collect();
        found.insert(SizeProblem::SeveralKernels, paths);
    }
    let sizes = |paths: &BTreeSet<&str>| -> u64 {
        paths.iter().filter_map(|path| closure.get(*path)).map(|info| info.nar_size).sum()
    };
    let with_all = sizes(&reached(toplevel, closure, &BTreeSet::new()));
    let mut findings: Vec<SizeFinding> = found
        .into_iter()
        .map(|(problem, paths)| {
            let without: BTreeSet<&str> = paths.iter().map(|path| path.path.as_str()).collect();
            SizeFinding {
                problem,
                size: paths.iter().map(|path| path.own_size).sum(),
                saves: with_all.saturating_sub(sizes(&reached(toplevel, closure, &without))),
                chain: paths.first().map(|path| path.chain.clone()).unwrap_or_default(),
                paths: paths.into_iter().map(|path| path.path.clone()).collect(),
            }
        })
        .filter(|finding| finding.size.max(finding.saves) >= LEAST)
        .collect();
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.saves), finding.problem));
    findings
}

fn problem_of(path: &StorePathSize, toplevel: &str) -> Option<SizeProblem> {
    let name = path.name();
    let (package, output) = path
        .package
        .as_ref()
        .map_or(("", ""), |it| (it.name.as_str(), it.output.as_deref().unwrap_or_default()));
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    Some(if path.own_size >= LEAST && is_nixpkgs(Path::new(&path.path)) {
        SizeProblem::Nixpkgs
    } else if name == "source" || ends_with(&["-source", ".tar.gz", ".tar.xz", ".tar.bz2", ".tgz"])
    {
        SizeProblem::Source
    } else if name.starts_with("nixos-system-") && path.path != toplevel {
        SizeProblem::OtherSystem
    } else if ends_with(&[".drv"]) {
        SizeProblem::Derivations
    } else if ["man", "doc", "info", "devdoc"].contains(&output)
        || ["man-db", "man-pages", "texinfo-interactive"].contains(&package)
        || ["nixos-manual-html", "nixos-configuration-reference-manpage"].contains(&name)
    {
        SizeProblem::Documentation
    } else if package == "glibc-locales" && path.own_size >= ALL_LOCALES {
        SizeProblem::Locales
    } else if name.starts_with("linux-firmware-") {
        SizeProblem::Firmware
    } else if output == "debug" {
        SizeProblem::DebugSymbols
    } else if ["dev", "static"].contains(&output)
        || (BUILD_TOOLS.contains(&package) && output.is_empty())
        || name.contains("stdenv-linux")
    {
        SizeProblem::BuildTools
    } else {
        return None;
    })
}

/// Returns true for nixpkgs, as a flake's source or as a channel.
fn is_nixpkgs(path: &Path) -> bool {
    [path.to_owned(), path.join("nixos"), path.join("nixpkgs")]
        .iter()
        .any(|path| path.join("pkgs/top-level").is_dir() && path.join("lib").is_dir())
}

/// The releases of the kernels whose modules are in a store path itself.
fn releases(path: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(path.join("lib/modules")).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}
