//! The judgement of a policy on a secret.

use netboot_core::secret_scan::{
    Judgement, SecretKind, SecretMatch, SecretPlace, SecretPolicy, Severity,
};
use netboot_core::{CancellationToken, Context, Error};

const KEY: &[u8] = b"PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n";

fn secret() -> SecretMatch {
    let policy = SecretPolicy::default();
    policy.scan(&place("wg0.conf"), &mut &*KEY, &Context::new()).unwrap().remove(0)
}

fn place(file: &str) -> SecretPlace {
    SecretPlace::new("/nix/store/0a-wireguard-1.0", file)
}

#[test]
fn a_finding_names_the_place_and_never_the_secret() {
    let judgement = SecretPolicy::default().judge(&place("wg0.conf"), &secret());
    let Judgement::Finding(finding) = judgement else { panic!("{judgement:?}") };
    assert_eq!(finding.severity, Severity::Deny);
    assert_eq!(
        finding.to_string(),
        "`/nix/store/0a-wireguard-1.0/wg0.conf` contains a private key at byte 0 (rule \
         `wireguard-key`)"
    );
    assert!(finding.hint().contains("after boot"), "{}", finding.hint());
    let json = serde_json::to_string(&finding).unwrap();
    for text in [finding.to_string(), format!("{finding:?}"), finding.hint(), json] {
        assert!(!text.contains("yAnz5TF"), "{text}");
    }
}

#[test]
fn the_caller_raises_lowers_and_allows() {
    let (place, secret) = (place("wg0.conf"), secret());
    let severity = |policy: SecretPolicy| match policy.judge(&place, &secret) {
        Judgement::Finding(finding) => finding.severity,
        _ => Severity::Ignore,
    };
    let policy = SecretPolicy::default;
    assert_eq!(
        severity(policy().with_severity(SecretKind::PrivateKey, Severity::Warn)),
        Severity::Warn
    );
    assert_eq!(
        severity(policy().with_rule_severity("wireguard-key", Severity::Ignore)),
        Severity::Ignore
    );
    assert_eq!(
        severity(SecretPolicy::none().with_rule_severity("wireguard-key", Severity::Deny)),
        Severity::Deny
    );

    let allowed =
        |rule: &str, path: &str| policy().with_allowed(rule, path, "a test peer").unwrap();
    let judged = allowed("wireguard-key", "/nix/store/*-wireguard-*/**").judge(&place, &secret);
    assert_eq!(judged, Judgement::Allowed("a test peer".to_owned()));
    for (rule, path) in [
        ("age-identity", "/nix/store/*-wireguard-*/**"),
        ("wireguard-key", "/nix/store/*"),
        ("wireguard-key", "/nix/store/*-other/**"),
        ("wireguard-key", "wg0.conf"),
    ] {
        assert_eq!(severity(allowed(rule, path)), Severity::Deny, "{rule} {path}");
    }
}

#[test]
fn keys_of_tests_are_told_apart_and_named_files_are_not_excused() {
    let policy = SecretPolicy::default();
    let tests = place("lib/python3.13/test/certdata/keycert.pem");
    assert_eq!(policy.judge(&tests, &secret()), Judgement::TestMaterial);
    let policy = policy.with_file("**/keycert.pem").unwrap();
    let named = |place| policy.scan(place, &mut &b"public"[..], &Context::new()).unwrap();
    let found = named(&tests).remove(0);
    assert_eq!((found.rule.as_str(), found.kind), ("named-file", SecretKind::Named));
    assert!(matches!(policy.judge(&tests, &found), Judgement::Finding(_)));
    assert_eq!(named(&place("wg0.conf")), []);
}

#[test]
fn a_callers_pattern_is_a_rule_and_is_never_shown() {
    let policy = SecretPolicy::default().with_pattern("company", "acme_[0-9a-f]{8}").unwrap();
    let found = policy.scan(&place("file"), &mut &b"x acme_0123abcd"[..], &Context::new()).unwrap();
    assert_eq!(
        (found[0].rule.as_str(), found[0].kind, found[0].offset),
        ("company", SecretKind::Named, 2)
    );
    assert!(!format!("{policy:?}").contains("acme"), "{policy:?}");
    assert_ne!(policy.version(), SecretPolicy::default().version());

    let error = SecretPolicy::default().with_pattern("company", "acme_(").unwrap_err();
    assert!(matches!(error, Error::InvalidPattern { .. }), "{error:?}");
    assert!(!error.to_string().contains("acme") && error.hint().is_some(), "{error}");
    assert!(SecretPolicy::default().with_file("{a").is_err());
    assert!(SecretPolicy::default().with_allowed("rule", "**", " ").is_err());
}

#[test]
fn a_scan_is_cancelled() {
    let token = CancellationToken::new();
    token.cancel();
    let context = Context::new().with_cancellation(token);
    let result = SecretPolicy::default().scan(&place("zeros"), &mut std::io::repeat(0), &context);
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
}
