//! Secrets in an image, and policies that cannot be used.

use netboot_core::secret_scan::{Judgement, SecretFinding, SecretPlace, SecretPolicy};
use netboot_core::{Context, Error};

use super::assert_hint;

/// The findings that a policy denies or warns of in a file.
fn findings(policy: &SecretPolicy, path: &str, text: &str) -> Vec<SecretFinding> {
    let place = SecretPlace::new("/nix/store/0a-etc", path);
    let secrets = policy.scan(&place, &mut text.as_bytes(), &Context::new()).unwrap();
    let judged = secrets.iter().map(|secret| policy.judge(&place, secret));
    judged
        .filter_map(|judgement| match judgement {
            Judgement::Finding(finding) => Some(finding),
            _ => None,
        })
        .collect()
}

#[test]
fn a_secret_that_was_removed_or_allowed_as_the_hint_says_is_not_found() {
    let policy = SecretPolicy::strict();
    let cases = [
        (
            "wg0.conf",
            "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n",
            "replace it where it is in use, and give it to the machine after boot",
            "PrivateKeyFile = /run/secrets/wg0\n",
        ),
        (
            "shadow",
            "root:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGf\
             Qv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.:19000::::::\n",
            "log in with SSH keys instead of passwords",
            "root:!:19000::::::\n",
        ),
        (
            "cache.sec",
            "cache.example.org-1:YxdYwOAUIfCkEOBx9UwCfvt88c3hHFtclCXY+bD6hLIHVlUods\
             c7NPNpCKOx8h9fCWTFXqvPRVt1Ik0rCg9J/Q==\n",
            "sign on the build machine, outside of Nix's store",
            "cache.example.org-1:B1ZVKHbHOzTzaQijsfIfXwlkxV6rz0VbdSJNKwoPSf0=\n",
        ),
    ];
    for (path, secret, words, followed) in cases {
        let found = findings(&policy, path, secret);
        assert_eq!(found.len(), 1, "{path}: {found:?}");
        let hint = found[0].hint();
        assert!(hint.contains(words), "{hint}");
        assert_eq!(findings(&policy, path, followed), [], "{path}");

        let rule = &found[0].secret.rule;
        assert!(hint.contains(&format!("if it is no secret, allow the rule `{rule}` for this")));
        let place = found[0].place.to_string();
        let allowing = policy.clone().with_allowed(rule, &place, "it is an example").unwrap();
        assert_eq!(findings(&allowing, path, secret), [], "{path}");
    }
}

#[test]
fn a_pattern_that_was_written_as_the_hint_says_is_taken() {
    let policy = SecretPolicy::default;
    let refused = |result: Result<SecretPolicy, Error>, words: &str| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::InvalidPattern { .. }), "{error:?}");
        assert_hint(&error, words);
    };
    refused(policy().with_file("/nix/store/[a"), "write a glob such as `/nix/store/*-name/**`");
    policy().with_file("/nix/store/*-name/**").unwrap();
    refused(policy().with_pattern("mine", "(a"), "or a regular expression");
    policy().with_pattern("mine", "a+").unwrap();
    for (rule, reason) in [("", "an example"), ("age-identity", " ")] {
        let words = "an exception also needs the name of its rule and a reason";
        refused(policy().with_allowed(rule, "**", reason), words);
    }
    policy().with_allowed("age-identity", "**", "an example").unwrap();
}
