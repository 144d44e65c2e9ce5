//! Findings of verification, and errors that keep a release from going live.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use netboot_core::{Context, PointerName, Release, layout};
use netboot_ipxe::Renderer;
use netboot_publish::{
    Error, FailedProof, Finding, LocalStore, PointerLoss, PointerProblem, Publisher,
    SignatureProblem, VerifyDepth, VerifyScope,
};
use tempfile::TempDir;

use super::booting::image;
use super::{Said, all, digest, error, finding, path, release, run, worker};

fn of(found: &Finding) -> String {
    finding(found, found.hint())
}

fn blob() -> netboot_core::ReleasePath {
    netboot_core::layout::blob(&digest("initrd"))
}

pub(super) fn said() -> Vec<Said> {
    let mut said = of_targets();
    said.extend(of_web_servers());
    said.extend(of_trust());
    said
}

fn of_targets() -> Vec<Said> {
    let damaged = [
        Finding::Missing { path: blob() },
        Finding::WrongSize { path: blob(), expected: 1_048_576, found: Some(4096) },
        Finding::WrongDigest { path: blob(), expected: digest("initrd"), found: digest("other") },
    ];
    let odd = [
        Finding::Foreign { path: path("boot.ipxe") },
        Finding::Unknown { path: "blobs/notes.txt".to_owned() },
        Finding::Outdated { path: path("worker/netboot.ipxe") },
        Finding::Incomplete { release: release("half") },
    ];
    let not_whole = Error::NotWhole {
        release: release("half"),
        findings: vec![Finding::Missing { path: blob() }],
    };
    let damaged_release =
        Error::NotWhole { release: release("flipped"), findings: vec![damaged[2].clone()] };
    vec![
        ("findings-damaged", all(damaged, of)),
        ("findings-odd", all(odd.into_iter().chain(of_edited_files()), of)),
        ("malformed-pointer", malformed_pointer()),
        ("not-whole", error(not_whole)),
        ("not-whole-damaged", error(damaged_release)),
    ]
}

/// The findings for a pointer and a manifest that somebody edited.
fn of_edited_files() -> Vec<Finding> {
    let found = |target: &TempDir| {
        let publisher = Publisher::new(LocalStore::new(target.path()));
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        run(publisher.verify(scope, depth, &Context::new())).unwrap().findings
    };
    let (target, _) = published();
    edit(&target.path().join("current.ipxe"), "echo", "echo Hello,");
    let mut findings = found(&target);
    let (target, release) = published();
    let manifest = layout::in_release(release.id(), &layout::manifest());
    edit(&target.path().join(manifest.as_str()), "{", "");
    findings.extend(found(&target));
    findings
}

/// The message for a pointer without its history.
fn malformed_pointer() -> String {
    let (target, _) = published();
    let pointer = target.path().join("current.ipxe");
    let text = fs::read_to_string(&pointer).unwrap();
    let script: Vec<&str> = text.lines().filter(|line| !line.starts_with("# netboot ")).collect();
    fs::write(&pointer, script.join("\n") + "\n").unwrap();
    error(run(Publisher::new(LocalStore::new(target.path())).live()).unwrap_err())
}

fn published() -> (TempDir, Release) {
    let target = TempDir::new().unwrap();
    let release = Renderer::builder().build().unwrap().render_release([image("worker")]).unwrap();
    let publisher = Publisher::new(LocalStore::new(target.path()));
    run(publisher.publish(&release, &Context::new())).unwrap();
    (target, release)
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn of_web_servers() -> Vec<Said> {
    let found = [
        Finding::Missing { path: blob() },
        Finding::Refused { path: path("boot.ipxe"), status: 403 },
        Finding::Refused { path: path("boot.ipxe"), status: 500 },
        Finding::Redirected {
            path: path("boot.ipxe"),
            to: "https://boot.example.net/boot.ipxe".to_owned(),
        },
        Finding::CutShort { path: blob(), announced: Some(1_048_576), received: 65_536 },
        Finding::NoLength { path: blob() },
        Finding::Stale { path: path("current.ipxe"), live: Some(release("old")), age: Some(600) },
    ];
    let unreachable = Error::PublicUrl {
        url: "http://boot.example.net/nixos/current.ipxe".to_owned(),
        source: "connection refused".into(),
    };
    vec![("findings-http", all(found, of)), ("url-unreachable", error(unreachable))]
}

fn of_trust() -> Vec<Said> {
    let problems = [
        SignatureProblem::Missing,
        SignatureProblem::UntrustedKey,
        SignatureProblem::Mismatch,
        SignatureProblem::OtherRelease,
        SignatureProblem::Malformed,
        SignatureProblem::TooFewKeys { signed: 1, threshold: 2 },
    ];
    let signature = |problem: &SignatureProblem| {
        error(Error::Signature { release: release("new"), problem: *problem })
    };
    let untrusted = [
        PointerProblem::Unsigned,
        PointerProblem::UntrustedKey,
        PointerProblem::Mismatch,
        PointerProblem::OtherName { name: PointerName::new("canary").unwrap() },
        PointerProblem::RolledBack { counter: 1_764_367_001, known: 1_764_367_002 },
        PointerProblem::Expired { best_before: 1_764_971_801 },
    ];
    let pointer = |problem: &PointerProblem| {
        error(Error::UntrustedPointer { path: path("current.ipxe"), problem: problem.clone() })
    };
    let less = |loss: &PointerLoss| {
        error(Error::LessProtection { pointer: PointerName::default(), loss: *loss })
    };
    let problem = "it ran out of time; last stage: kernel started; not seen: login:";
    let failed = FailedProof::new(problem, "[    0.000000] Linux version 6.12.30");
    let failures = BTreeMap::from([(worker(), failed)]);
    vec![
        ("signatures", all(problems, signature)),
        ("untrusted-pointers", all(untrusted, pointer)),
        ("no-pointer-signer", error(Error::NoPointerSigner { pointer: PointerName::default() })),
        ("less-protection", all([PointerLoss::Signature, PointerLoss::BestBefore], less)),
        ("key-locked", error(Error::KeyLocked)),
        ("not-proven", error(Error::NotProven { release: release("new"), failures })),
    ]
}
