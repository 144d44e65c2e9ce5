//! Secrets in the forms in which configurations wrap them.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use netboot_core::secret_scan::SecretKind::{Password, PrivateKey};

use super::{one, rules, scan_file};
use crate::boot_files::initrd::run;

fn key() -> String {
    let words = ["openssl", "genpkey", "-algorithm", "ED25519"];
    String::from_utf8(run("openssl", &words, Path::new("/"), b"")).unwrap()
}

#[test]
fn a_key_is_found_however_its_lines_are_broken() {
    let key = key();
    let escaped = key.replace('\n', "\\n");
    let cases = [
        key.clone(),
        key.replace('\n', "\r\n"),
        key.replace('\n', "\n    "),
        key.replace('\n', " "),
        escaped.clone(),
        // A string of a derivation within JSON, as for structured attributes.
        key.replace('\n', "\\\\n"),
        // Strings of C and shell.
        key.replace('\n', "\\n\"\n\""),
        format!("Environment=\"KEY={escaped}\""),
        format!("{{\"type\":\"service_account\",\"private_key\":\"{escaped}\"}}"),
        format!("client-key-data: {}", STANDARD.encode(&key)),
    ];
    for text in cases {
        assert_eq!(rules(text.as_bytes()), one("pem-private-key", PrivateKey), "{text}");
    }
    let inner: String = STANDARD.encode(key).chars().collect();
    let wrapped: Vec<&str> =
        (0..inner.len()).step_by(76).map(|at| &inner[at..inner.len().min(at + 76)]).collect();
    assert_eq!(rules(wrapped.join("\n  ").as_bytes()), one("pem-private-key", PrivateKey));
}

#[test]
fn a_file_with_only_a_key_is_told_by_its_name() {
    let key = b"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n";
    for (path, is_secret) in [
        ("/nix/store/0a-wg-key", true),
        ("wireguard/private", true),
        ("wg0.psk", true),
        ("wg0.pubkey", false),
        ("checksum", false),
    ] {
        assert_eq!(scan_file(path, key).len(), usize::from(is_secret), "{path}");
    }
}

/// The form of NixOS's `users-groups.json`.
#[test]
fn passwords_of_nixos_users_are_found_and_unset_ones_are_not() {
    let file = |password: &str| {
        format!(
            r#"{{"users":[{{"hashedPassword":null,"initialHashedPassword":"","initialPassword":{password},"isSystemUser":false,"name":"root","password":null,"shell":"/bin/sh"}}]}}"#
        )
    };
    for (password, expected) in
        [("\"hunter2\"", one("nixos-user-password", Password)), ("null", vec![]), ("\"\"", vec![])]
    {
        let text = file(password);
        assert_eq!(rules(text.as_bytes()), expected, "{password}");
        let in_derivation = text.replace('"', "\\\"");
        assert_eq!(rules(in_derivation.as_bytes()), expected, "{password}");
    }
    let labels = r#"{"password":"Password","passwords":"Passwords"}"#;
    assert_eq!(rules(labels.as_bytes()), []);
}

#[test]
fn a_token_after_a_line_break_in_a_string_is_found() {
    let token = ["ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat();
    for text in [format!("\"script\",\"set -e\\n{token}\\ncurl\""), format!("a\\\\n{token}")] {
        assert_eq!(rules(text.as_bytes()).len(), 1, "{text}");
    }
    for text in [format!("x{token}"), format!("{token}x")] {
        assert_eq!(rules(text.as_bytes()), [], "{text}");
    }
}
