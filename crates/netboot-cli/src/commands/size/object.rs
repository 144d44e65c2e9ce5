//! The report of an image's size as an object for programs.

use netboot_nix::{DuplicatePackage, SizeFinding, SizeReport, StorePathSize};
use serde_json::{Value, json};

/// The description of the answer.
pub(super) const AFTER: &str = "\
The exit code is 3 if the image is over its budget.

With --json:
  profile               the profile
  over_budget           true if the image is over its budget
  budget_bytes          the budget
  fetched_bytes         the size of what a machine fetches
  kernel_bytes          the size of the kernel
  initrds_bytes         the size of the initrds, compressed
  closure_blobs_bytes   the size of the blobs of a closure, or 0
  closure_bytes         the size of all store paths, without compression
  least_memory_mib      the least memory of a machine in MiB, or null if an
                        initrd cannot be read
  paths                 the store paths, the largest first. Each has:
    path            the path
    package         the package without its version, or null
    version         the version of the package, or null
    output          the output of the package unless it is out, or null
    own_bytes       its own size
    closure_bytes   the size of its closure
    blob            the SHA-256 digest of its blob, or null
    blob_bytes      the size of its blob, or null
    chain           the store paths from the system to it, both included
  duplicates            packages in several versions. Each has:
    package         the package
    versions        the versions: objects with version and paths
    excess_bytes    the size that one version would save
  findings              what the system can do without. Each has:
    problem         the kind
    paths           the store paths, the largest first
    own_bytes       the size of these paths
    saved_bytes     the size that leaving them out saves
    chain           the store paths from the system to the largest one
    hint            what to do
  new_paths             the names of the store paths that are new against
                        --since, or null
  picture               the picture of --format svg, or null";

/// The report without what only the command knows.
pub(super) fn object(report: &SizeReport) -> Value {
    json!({
        "profile": report.profile,
        "over_budget": report.is_over_budget(),
        "budget_bytes": report.budget,
        "fetched_bytes": report.fetched(),
        "kernel_bytes": report.kernel,
        "initrds_bytes": report.initrds,
        "closure_blobs_bytes": report.fetched_closure,
        "closure_bytes": report.closure,
        "paths": report.paths.iter().map(path).collect::<Vec<_>>(),
        "duplicates": report.duplicates.iter().map(duplicate).collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn path(path: &StorePathSize) -> Value {
    let (package, blob) = (path.package.as_ref(), path.blob.as_ref());
    json!({
        "path": path.path,
        "package": package.map(|package| &package.name),
        "version": package.map(|package| &package.version),
        "output": package.and_then(|package| package.output.as_ref()),
        "own_bytes": path.own_size,
        "closure_bytes": path.closure_size,
        "blob": blob.map(|blob| blob.sha256.to_string()),
        "blob_bytes": blob.map(|blob| blob.size),
        "chain": path.chain,
    })
}

fn duplicate(duplicate: &DuplicatePackage) -> Value {
    let versions = duplicate.versions.iter();
    let versions = versions.map(|(version, paths)| json!({ "version": version, "paths": paths }));
    json!({
        "package": duplicate.package,
        "versions": versions.collect::<Vec<_>>(),
        "excess_bytes": duplicate.excess,
    })
}

fn finding(finding: &SizeFinding) -> Value {
    json!({
        "problem": finding.problem,
        "paths": finding.paths,
        "own_bytes": finding.size,
        "saved_bytes": finding.saves,
        "chain": finding.chain,
        "hint": finding.hint(),
    })
}
