//! What verification finds at a target, and what keeps a release from going live.

use std::collections::BTreeMap;

use netboot_publish::{Error, FailedProof, Finding, SignatureProblem};

use super::{Said, all, digest, error, finding, path, release, worker};

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
        Finding::MalformedManifest {
            release: release("edited"),
            problem: "it is no JSON".to_owned(),
        },
        Finding::BrokenPointer {
            path: path("current.ipxe"),
            problem: "it is not the script of its live release".to_owned(),
        },
    ];
    let not_whole = Error::NotWhole {
        release: release("half"),
        findings: vec![Finding::Missing { path: blob() }],
    };
    let damaged_release = Error::NotWhole {
        release: release("flipped"),
        findings: vec![damaged[2].clone()],
    };
    vec![
        ("findings-damaged", all(damaged, of)),
        ("findings-odd", all(odd, of)),
        ("not-whole", error(not_whole)),
        ("not-whole-damaged", error(damaged_release)),
    ]
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
        Finding::Stale {
            path: path("current.ipxe"),
            live: Some(release("old")),
            age: Some(600),
        },
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
    ];
    let signature =
        |problem: &SignatureProblem| error(Error::Signature { release: release("new"), problem: *problem });
    let problem = "it ran out of time, and came to kernel started; not seen: login:";
    let failed = FailedProof::new(problem, "[    0.000000] Linux version 6.12.30");
    let failures = BTreeMap::from([(worker(), failed)]);
    vec![
        ("signatures", all(problems, signature)),
        ("key-locked", error(Error::KeyLocked)),
        ("not-proven", error(Error::NotProven { release: release("new"), failures })),
    ]
}
