//! Messages about access to booted machines, and about secrets in images.

use std::fs;

use netboot_core::secret_scan::{SecretPlace, SecretPolicy, SecretReport};
use netboot_core::{Builder, Context, ProfileSpec};
use netboot_nix::{AuthorizedKey, Error, NixBuilder, PolicyProblem};
use netboot_testbed::{HermeticNix, Testbed};
use tempfile::TempDir;

use super::{Said, all, error, finding, run, worker};

fn of(problem: &PolicyProblem) -> String {
    finding(problem, problem.hint())
}

/// The message for the test flake with the key of the old README.
fn with_the_old_key() -> String {
    let (nix, work) = (HermeticNix::new(), TempDir::new().unwrap());
    let flake = Testbed::locate().write_flake(&work.path().join("flake"), "first");
    let configuration = work.path().join("flake/configuration.nix");
    let text = fs::read_to_string(&configuration).unwrap();
    let key = text.lines().find(|line| line.contains("ssh-ed25519")).unwrap();
    let old = "\"ssh-ed25519 AAAAC3Nza... your-provisioning-key@host\"";
    fs::write(&configuration, text.replace(key, old)).unwrap();
    let builder = NixBuilder::options(&flake).state_directory(work.path().join("state"));
    let builder = nix
        .environment()
        .into_iter()
        .fold(builder, |builder, (name, value)| builder.environment(name, value));
    let profile = ProfileSpec::new(worker()).unwrap();
    error(run(builder.build().unwrap().build(&profile, &Context::new())).unwrap_err())
}

/// The message for an image with a key of `WireGuard`.
fn with_a_key() -> String {
    let policy = SecretPolicy::default();
    let place = SecretPlace::new("/nix/store/0a-wireguard", "wg0.conf");
    let file = b"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n";
    let found = policy.scan(&place, &mut file.as_slice(), &Context::new()).unwrap();
    let mut report = SecretReport::new(&policy);
    let chain = ["/nix/store/0b-nixos-system", "/nix/store/0a-wireguard"];
    report.add(&place, &found[0], || chain.map(str::to_owned).to_vec());
    error(report.finish(&worker(), &Context::new()).unwrap_err())
}

pub(super) fn said() -> Vec<Said> {
    let user = || "root".to_owned();
    let cut = "ssh-ed25519 AAAAC3NzaC1l";
    let refused = cut.parse::<AuthorizedKey>().unwrap_err();
    let Error::InvalidText { problem: reason, .. } = &refused else { panic!("{refused:?}") };
    let unreadable =
        PolicyProblem::UnreadableKey { user: user(), key: cut.to_owned(), reason: reason.clone() };
    let password = |option: &str, empty| {
        let option = option.to_owned();
        PolicyProblem::RootPassword { option, empty }
    };
    let secret = PolicyProblem::SecretFile { path: "/etc/ssh/ssh_host_ed25519_key".to_owned() };
    let service = PolicyProblem::ServiceEnabled { service: "chainfire".to_owned() };
    let package = PolicyProblem::PackageMissing { package: "chainfire".to_owned() };
    vec![
        ("placeholder-key", with_the_old_key()),
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
        ("secret-found", with_a_key()),
        ("service-enabled", of(&service)),
        ("package-missing", of(&package)),
    ]
}
