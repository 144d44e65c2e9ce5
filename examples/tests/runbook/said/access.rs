//! Who gets onto a machine that was booted, and what must not be in its image.

use netboot_nix::{AuthorizedKey, Error, PolicyFinding, PolicyProblem, Severity};

use super::{Said, all, error, finding, worker};

fn of(problem: &PolicyProblem) -> String {
    finding(problem, problem.remedy())
}

pub(super) fn said() -> Vec<Said> {
    let user = || "root".to_owned();
    let placeholder = || PolicyProblem::PlaceholderKey {
        user: user(),
        key: "ssh-ed25519 AAAAC3Nza... your-provisioning-key@host".to_owned(),
        mark: "...".to_owned(),
    };
    let cut = "ssh-ed25519 AAAAC3NzaC1l";
    let refused = cut.parse::<AuthorizedKey>().unwrap_err();
    let Error::InvalidAuthorizedKey { problem: reason, .. } = &refused else {
        panic!("{refused:?}")
    };
    let unreadable =
        PolicyProblem::UnreadableKey { user: user(), key: cut.to_owned(), reason: reason.clone() };
    let violated = Error::PolicyViolated {
        attribute: "nixosConfigurations.netboot-worker".to_owned(),
        findings: vec![PolicyFinding { severity: Severity::Deny, problem: placeholder() }],
    };
    let password = |option: &str, empty| {
        let option = option.to_owned();
        PolicyProblem::RootPassword { option, empty }
    };
    let secret = PolicyProblem::SecretFile { path: "/etc/ssh/ssh_host_ed25519_key".to_owned() };
    let service = PolicyProblem::ServiceEnabled { service: "chainfire".to_owned() };
    let package = PolicyProblem::PackageMissing { package: "chainfire".to_owned() };
    vec![
        ("placeholder-key", error(netboot_core::Error::build("nix", &worker(), violated))),
        ("no-authorized-key", of(&PolicyProblem::NoAuthorizedKey)),
        ("ssh-disabled", of(&PolicyProblem::SshDisabled)),
        ("unreadable-key", of(&unreadable)),
        ("override-key", error(refused)),
        ("no-serial-console", of(&PolicyProblem::NoSerialConsole)),
        (
            "root-password",
            all([password("hashedPassword", false), password("initialHashedPassword", true)], of),
        ),
        ("secret-file", of(&secret)),
        ("service-enabled", of(&service)),
        ("package-missing", of(&package)),
    ]
}
