//! Messages about failed builds, as `netboot build` prints them.

use std::path::PathBuf;
use std::time::Duration;

use foreign_text::ForeignText;
use netboot_nix::{Error, EvaluationProblem, GitProblem, GitRefusal, Subject};

use super::{Said, error, worker};

const CONFIGURATION: &str = "nixosConfigurations.netboot-worker";
const DERIVATION: &str = "/nix/store/c3v1…-plasmavmc-0.4.drv";
const FLAKE: &str = "git+file:///srv/infrastructure";

fn failed(nix: Error) -> String {
    error(netboot_core::Error::build("nix", &worker(), nix))
}

fn log() -> PathBuf {
    "artifacts/.netboot/logs/worker-failed.log".into()
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn last_lines(texts: &[&str]) -> Vec<ForeignText> {
    texts.iter().copied().map(ForeignText::from).collect()
}

fn evaluation(problem: EvaluationProblem, message: &str, position: &str) -> String {
    let position = Some(position.to_owned());
    let (attribute, message) = (CONFIGURATION.to_owned(), message.into());
    failed(Error::Evaluation { attribute, problem, message, position })
}

fn build_failed(reason: &str, last: &[&str]) -> String {
    let (derivation, reason) = (DERIVATION.to_owned(), Some(reason.into()));
    failed(Error::BuildFailed {
        derivation,
        reason,
        last_lines: last_lines(last),
        build_log: log(),
    })
}

pub(super) fn said() -> Vec<Said> {
    let mut said = of_the_flake();
    said.extend(of_the_build());
    said.extend(of_the_machine());
    said
}

fn of_the_flake() -> Vec<Said> {
    let available = lines(&["netboot-control-plane", "netboot-all-in-one"]);
    let attribute = CONFIGURATION.to_owned();
    let missing = Error::AttributeMissing { attribute, available };
    let not_found = Error::FlakeNotFound { reference: FLAKE.to_owned(), message: None };
    let message =
        "flake 'git+file:///srv/infrastructure' requires lock file changes but they're not \
                   allowed due to '--no-update-lock-file'"
            .into();
    let outdated = Error::LockFileOutdated { reference: FLAKE.to_owned(), message };
    let refused = |problem| {
        failed(Error::Git { refusal: GitRefusal::new(problem, "/srv/infrastructure", "") })
    };
    let not_tracked = GitProblem::NotTracked { path: "keys/admin.pub".into(), ignored: false };
    let undefined = EvaluationProblem::UndefinedVariable { name: "chainfire-server".to_owned() };
    let no_attribute = EvaluationProblem::MissingAttribute { name: "chainfire-server".to_owned() };
    let too_large = Error::EvaluationTooLarge {
        attribute: CONFIGURATION.to_owned(),
        limit: 8 << 30,
        message: "out of memory".into(),
    };
    let limit = Duration::from_secs(30 * 60);
    let too_slow = Error::EvaluationTooSlow { attribute: CONFIGURATION.to_owned(), limit };
    let package = Error::AttributeMissing {
        attribute: "pkgs.chainfire-server".to_owned(),
        available: Vec::new(),
    };
    vec![
        ("flake-not-found", failed(not_found)),
        ("file-not-tracked", refused(not_tracked)),
        ("lock-file-outdated", failed(outdated)),
        ("dirty-tree", refused(GitProblem::Uncommitted)),
        ("repository-owner", refused(GitProblem::OtherOwner)),
        ("source-changed", failed(Error::SourceChanged { reference: FLAKE.to_owned() })),
        ("configuration-missing", failed(missing)),
        (
            "evaluation-thrown",
            evaluation(
                EvaluationProblem::Thrown,
                "set an SSH key first",
                "nix/images/netboot-base.nix:31:5",
            ),
        ),
        (
            "package-undefined",
            evaluation(
                undefined,
                "undefined variable 'chainfire-server'",
                "nix/images/netboot-worker.nix:12:5",
            ),
        ),
        (
            "package-no-attribute",
            evaluation(
                no_attribute,
                "attribute 'chainfire-server' missing",
                "nix/images/netboot-worker.nix:12:5",
            ),
        ),
        ("package-of-override", failed(package)),
        ("evaluation-too-large", failed(too_large)),
        ("evaluation-too-slow", failed(too_slow)),
    ]
}

fn of_the_build() -> Vec<Said> {
    let hash = Error::HashMismatch {
        derivation: DERIVATION.to_owned(),
        specified: "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
        found: "sha256-5Ewdl3vHQ2DVqFdVfGV1xhvMkVG8i4ZtwVdbNlS8fGk=".to_owned(),
        last_lines: Vec::new(),
        build_log: log(),
    };
    let timed_out = Error::TimedOut {
        derivation: Some(DERIVATION.to_owned()),
        message: "timed out after 3600 seconds".into(),
        last_lines: last_lines(&["compiling"]),
        build_log: log(),
    };
    let system = Error::UnsupportedSystem {
        derivation: DERIVATION.to_owned(),
        required: "a aarch64-linux".to_owned(),
        build_log: log(),
    };
    let unsigned = Error::Unsigned {
        path: "/nix/store/9f3k…-plasmavmc-0.4".to_owned(),
        message: "lacks a valid signature".into(),
        build_log: Some(log()),
    };
    vec![
        (
            "build-failed",
            build_failed(
                "exit code 101",
                &["error[E0433]: failed to resolve", "make: *** [all] Error 101"],
            ),
        ),
        ("build-killed", build_failed("signal 9 (Killed)", &["rustc: linking"])),
        ("build-download", build_failed("exit code 1", &["curl: (6) Could not resolve host"])),
        ("hash-mismatch", failed(hash)),
        ("timed-out", failed(timed_out)),
        ("unsupported-system", failed(system)),
        ("unsigned", failed(unsigned)),
        (
            "derivation-collected",
            failed(Error::DerivationCollected { derivation: DERIVATION.to_owned() }),
        ),
    ]
}

fn of_the_machine() -> Vec<Said> {
    let nix = Error::NixMissing { program: "nix".to_owned(), path: "/usr/bin:/bin".to_owned() };
    let no_users = Error::NoBuilder {
        derivation: None,
        message: "the group 'nixbld' specified in 'build-users-group' does not exist".into(),
        build_log: log(),
    };
    let feature = Error::FeatureDisabled {
        subject: Subject::Attribute(CONFIGURATION.to_owned()),
        feature: "ca-derivations".to_owned(),
    };
    let network = Error::Network {
        subject: Subject::Flake(FLAKE.to_owned()),
        proxy: None,
        url: Some("https://git.example.org/infrastructure".to_owned()),
        message: "Could not resolve host".into(),
        build_log: None,
    };
    let full = Error::DiskFull {
        subject: Subject::Derivation(DERIVATION.to_owned()),
        message: "No space left on device".into(),
        last_lines: Vec::new(),
        build_log: Some(log()),
    };
    let daemon = Error::DaemonUnreachable {
        socket: "/nix/var/nix/daemon-socket/socket".into(),
        message: "Connection refused".into(),
        build_log: None,
    };
    let interrupted = Error::Interrupted {
        subject: Subject::Derivation(DERIVATION.to_owned()),
        message: "it was killed (signal 9, SIGKILL)".into(),
        build_log: Some(log()),
    };
    vec![
        ("nix-missing", failed(nix)),
        ("no-build-users", failed(no_users)),
        ("feature-disabled", failed(feature)),
        ("network", failed(network)),
        ("nix-disk-full", failed(full)),
        ("daemon-unreachable", failed(daemon)),
        ("nix-interrupted", failed(interrupted)),
    ]
}
