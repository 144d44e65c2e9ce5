//! The findings of a policy before the build.

use std::error::Error as _;
use std::sync::Arc;

use netboot_core::{Builder, Context, Event, Profile, ProfileSpec};
use netboot_nix::{Error, Overrides, Policy, PolicyCheck, PolicyFinding, PolicyProblem, Severity};

use crate::place::{Place, WITH_INIT, extensible, least_configuration, profile, recording};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti alice";

/// A configuration that a strict policy accepts, with overrides.
fn flake(place: &Place, overrides: &str) -> String {
    let base = least_configuration("x", WITH_INIT, "{ }");
    let good = format!(
        r#"{{
          boot.kernelParams = [ "console=ttyS0,115200" ];
          users.users.root = {{ openssh.authorizedKeys.keys = [ "{KEY}" ]; hashedPassword = "!"; }};
          services.openssh.enable = true;
          services.chainfire.enable = false;
          environment.systemPackages = [ {{ pname = "chainfire-server"; }} {{ name = "disko-1.2"; }} ];
          environment.etc = {{ "ssh/ssh_host_rsa_key.pub" = {{ }}; }};
        }}"#
    );
    let configuration = extensible(&[&base, &good, overrides], "{ }");
    place.flake(&format!("{{ nixosConfigurations.netboot-x = {configuration}; }}"))
}

fn with_service() -> Arc<dyn Profile> {
    let text = "[[profiles]]\nname = \"x\"\nservices = [\"chainfire\"]\n";
    Arc::new(ProfileSpec::parse_toml(text, "profiles.toml").unwrap().remove(0))
}

async fn findings(overrides: &str, policy: Policy) -> Vec<PolicyFinding> {
    let place = Place::new();
    let builder = place.builder(&flake(&place, overrides)).policy(policy).build().unwrap();
    builder.check(&[with_service()], &Context::new()).await.pop().unwrap().unwrap()
}

async fn strict(overrides: &str) -> Vec<PolicyProblem> {
    let findings = findings(overrides, Policy::strict().with_required_package("disko")).await;
    assert!(findings.iter().all(|finding| finding.severity == Severity::Deny), "{findings:?}");
    findings.into_iter().map(|finding| finding.problem).collect()
}

/// `{ _type = "override"; … }` with this content.
fn force(content: &str) -> String {
    format!(r#"{{ _type = "override"; priority = 50; content = {content}; }}"#)
}

#[tokio::test]
async fn a_good_configuration_has_no_findings() {
    assert_eq!(strict("{ }").await, []);
}

#[tokio::test]
async fn somebody_must_be_able_to_log_in() {
    let keys = |content: &str| {
        format!("{{ users.users.root.openssh.authorizedKeys.keys = {}; }}", force(content))
    };
    assert_eq!(strict(&keys("[ ]")).await, [PolicyProblem::NoAuthorizedKey]);
    let other = r"{ users.users.alice.openssh.authorizedKeys.keyFiles = [ ./keys ]; }";
    assert_eq!(strict(&format!("{{ imports = [ {other} ({}) ]; }}", keys("[ ]"))).await, []);
    let disabled = format!("{{ services.openssh.enable = {}; }}", force("false"));
    assert_eq!(strict(&disabled).await, [PolicyProblem::SshDisabled]);
    for warned_of in [keys("[ ]"), disabled] {
        let found = findings(&warned_of, Policy::default()).await;
        assert!(matches!(found.as_slice(), [one] if one.severity == Severity::Warn), "{found:?}");
    }
}

#[tokio::test]
async fn no_key_is_a_placeholder() {
    for (line, mark) in [
        ("ssh-ed25519 AAAAC3Nza...", "..."),
        ("ssh-ed25519 AAAAC3Nza your-provisioning-key", "your-provisioning-key"),
        (&KEY.replace("alice", "admin@Example.com"), "example"),
    ] {
        let added =
            format!("{{ users.users.alice.openssh.authorizedKeys.keys = [ \"{line}\" ]; }}");
        let found = strict(&added).await;
        let [PolicyProblem::PlaceholderKey { user, mark: found, .. }] = found.as_slice() else {
            panic!("{line}: {found:?}")
        };
        assert_eq!((user.as_str(), found.as_str()), ("alice", mark));
    }
    let cut = r#"{ users.users.root.openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAAC3NzaC1l" " # a comment" ]; }"#;
    let found = strict(cut).await;
    assert!(matches!(found.as_slice(), [PolicyProblem::UnreadableKey { .. }]), "{found:?}");

    let policy = Policy::default().with_placeholder("ALICE");
    let found = findings("{ }", policy).await;
    assert_eq!(found[0].problem.check(), PolicyCheck::PlaceholderKeys, "{found:?}");
}

#[tokio::test]
async fn root_has_no_password() {
    for (option, value, empty) in [
        ("password", "\"secret\"", false),
        ("initialPassword", "\"secret\"", false),
        ("hashedPasswordFile", "\"/run/secrets/root\"", false),
        ("initialHashedPassword", "\"\"", true),
    ] {
        let found = strict(&format!("{{ users.users.root.{option} = {value}; }}")).await;
        let option = option.to_owned();
        assert_eq!(found, [PolicyProblem::RootPassword { option, empty }]);
    }
    assert_eq!(strict("{ users.users.root.password = null; }").await, []);
    let found = strict("{ users.users.root.password = \"s3cret\"; }").await;
    assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
}

#[tokio::test]
async fn console_services_packages_and_secrets_are_looked_at() {
    let screen = format!("{{ boot.kernelParams = {}; }}", force(r#"[ "console=tty0" ]"#));
    assert_eq!(strict(&screen).await, [PolicyProblem::NoSerialConsole]);

    let enabled = format!("{{ services.chainfire.enable = {}; }}", force("true"));
    let service = "chainfire".to_owned();
    assert_eq!(strict(&enabled).await, [PolicyProblem::ServiceEnabled { service }]);

    let packages = format!("{{ environment.systemPackages = {}; }}", force("[ ]"));
    let missing = |package: &str| PolicyProblem::PackageMissing { package: package.to_owned() };
    assert_eq!(strict(&packages).await, [missing("chainfire"), missing("disko")]);

    let secret = r#"{ environment.etc."ssh/ssh_host_rsa_key".text = "x"; }"#;
    let path = "/etc/ssh/ssh_host_rsa_key".to_owned();
    assert_eq!(strict(secret).await, [PolicyProblem::SecretFile { path }]);
}

/// Each configuration has a finding, and none after its hint was followed.
#[tokio::test]
async fn a_finding_goes_when_its_hint_is_followed() {
    let no_keys = format!("{{ users.users.root.openssh.authorizedKeys.keys = {}; }}", force("[ ]"));
    let keys =
        |lines: &str| format!("{{ users.users.alice.openssh.authorizedKeys.keys = [ {lines} ]; }}");
    let enable = |value: &str| format!("{{ services.openssh.enable = {}; }}", force(value));
    let service = |value: &str| format!("{{ services.chainfire.enable = {}; }}", force(value));
    let parameters = |list: &str| format!("{{ boot.kernelParams = {}; }}", force(list));
    let packages = |list: &str| format!("{{ environment.systemPackages = {}; }}", force(list));
    let chainfire = r#"{ pname = "chainfire"; }"#;
    let secret = r#"{ environment.etc."ssh/ssh_host_rsa_key".text = "x"; }"#;
    for (wrong, right, hint) in [
        (
            no_keys.clone(),
            format!("{{ imports = [ ({no_keys}) {} ]; }}", keys(&format!("\"{KEY}\""))),
            "root.openssh.authorizedKeys.keys`, or give",
        ),
        (enable("false"), enable("true"), "`services.openssh.enable = true`"),
        (
            keys("\"ssh-ed25519 AAAA your-provisioning-key\""),
            keys(&format!("\"{KEY}\"")),
            "keys of `alice`",
        ),
        (
            "{ users.users.root.password = \"x\"; }".to_owned(),
            "{ users.users.root.password = null; }".to_owned(),
            "`users.users.root.password` to `null`",
        ),
        (parameters("[ ]"), parameters(r#"[ "console=ttyS0,115200" ]"#), "`console=ttyS0,115200`"),
        (service("true"), service("false"), "`services.chainfire.enable = false`"),
        (
            packages(&format!("[ {chainfire} ]")),
            packages(&format!(r#"[ {chainfire} {{ pname = "disko"; }} ]"#)),
            "package `disko`",
        ),
        (secret.to_owned(), "{ }".to_owned(), "remove the file"),
    ] {
        let found = strict(&wrong).await;
        assert!(matches!(found.as_slice(), [one] if one.hint().contains(hint)), "{found:?}");
        assert_eq!(strict(&right).await, [], "{right}");
    }
    // The image of a machine that has no other system.
    let enabled = strict(&service("true")).await.remove(0);
    assert!(enabled.to_string().contains("would start on every machine"), "{enabled}");
    assert!(enabled.hint().ends_with("ignore the rule `services-disabled`"), "{enabled:?}");
    let rule: PolicyCheck = serde_json::from_str("\"services-disabled\"").unwrap();
    let policy = Policy::strict().with_severity(rule, Severity::Ignore);
    let policy = policy.with_required_package("disko");
    assert_eq!(findings(&service("true"), policy).await, []);
}

#[tokio::test]
async fn what_a_configuration_does_not_define_is_no_finding_but_keys() {
    let place = Place::new();
    let fixed = least_configuration("x", WITH_INIT, "{ }");
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {fixed}; }}"));
    let builder = place.builder(&flake).policy(Policy::strict()).build().unwrap();
    let found = builder.check(&[with_service()], &Context::new()).await.pop().unwrap().unwrap();
    let found: Vec<PolicyProblem> = found.into_iter().map(|finding| finding.problem).collect();
    assert_eq!(found, [PolicyProblem::NoAuthorizedKey, PolicyProblem::NoSerialConsole]);
}

#[tokio::test]
async fn what_is_denied_is_not_built_and_what_is_warned_of_is() {
    let place = Place::new();
    let placeholder =
        r#"{ users.users.root.openssh.authorizedKeys.keys = [ "ssh-ed25519 AAAAC3Nza..." ]; }"#;
    let flake = flake(&place, placeholder);
    let builder = place.builder(&flake).build().unwrap();
    let (context, events) = recording();
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>()).unwrap();
    let Error::PolicyViolated { findings, .. } = inner else { panic!("{inner:?}") };
    assert_eq!(findings.len(), 1);
    assert!(error.hint().unwrap().contains("your own key"), "{:?}", error.hint());
    let built = |event: &Event| matches!(event, Event::Log { .. });
    assert!(!events.lock().unwrap().iter().any(built), "something was built");

    let policy = Policy::default().with_severity(PolicyCheck::PlaceholderKeys, Severity::Warn);
    let builder = place.builder(&flake).policy(policy).build().unwrap();
    let (context, events) = recording();
    builder.build(&profile("x"), &context).await.unwrap();
    let warnings: Vec<String> = events
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            Event::Warning { message, hint: Some(_), .. } => Some(message.clone()),
            _ => None,
        })
        .collect();
    assert!(matches!(warnings.as_slice(), [one] if one.contains("placeholder")), "{warnings:?}");
}

#[tokio::test]
async fn an_override_is_there_when_the_policy_looks() {
    let place = Place::new();
    let none = format!("{{ users.users.root.openssh.authorizedKeys.keys = {}; }}", force("[ ]"));
    let flake = flake(&place, &none);
    let overrides = Overrides::builder().authorized_key("alice", KEY);
    let builder = place
        .builder(&flake)
        .policy(Policy::strict())
        .overrides(overrides.build().unwrap())
        .build()
        .unwrap();
    let found = builder.check(&[with_service()], &Context::new()).await.pop().unwrap().unwrap();
    assert_eq!(found, []);
}
