//! `netboot.toml`: what it means, and why it is refused.

use netboot_cli::configuration::Configuration;
use netboot_cli::{Error, Target};

fn parse(text: &str) -> Result<Configuration, Error> {
    Configuration::parse(text, "netboot.toml")
}

/// The message and the hint of a text that is refused.
fn refused(text: &str) -> (String, String) {
    let error = parse(text).unwrap_err();
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        message += &format!(": {error}");
        cause = error.source();
    }
    (message, error.hint().unwrap())
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_keys_of_its_table() {
    for (text, message, hint) in [
        (
            "[[profile]]\nname = 'a'",
            "line 1: there is no key `profile`",
            "did you mean `profiles`?",
        ),
        (
            "\n[flake]\nauthorized_keys = []",
            "line 3: `flake` has no key `authorized_keys`",
            "did you mean `authorized-keys`? The keys are authorized-keys, configuration, reference",
        ),
        (
            "[[profiles]]\nname = 'a'\n[[profiles]]\nname = 'b'\ntitel = 'B'",
            "line 5: `profiles` has no key `titel`",
            "did you mean `title`?",
        ),
        (
            "[targets]\nosaka = { location = '/a', indentity-file = 'x' }",
            "line 2: `targets.osaka` has no key `indentity-file`",
            "did you mean `identity-file`?",
        ),
        (
            "[deployer.limits]\nfrobnicate = 1",
            "line 2: `deployer.limits` has no key `frobnicate`",
            "remove it, or write one of the keys body-seconds, connections,",
        ),
        (
            "[[machines.known]]\nname = 'a'\nprofile = 'a'\nmatch = { mc = '' }",
            "line 4: `machines.known.match` has no key `mc`",
            "did you mean `mac`?",
        ),
    ] {
        let (said, advised) = refused(text);
        assert!(said.contains(message), "{said}");
        assert!(advised.contains(hint), "{said}: {advised}");
    }
}

#[test]
fn a_target_is_a_location_or_a_name_of_the_file() {
    let configuration = parse(
        "[targets]\nlocal = '/srv/pxe'\nbucket = { location = 's3://boot/nixos', \
         endpoint = 'https://s3.example.org', path-style = false }\n\
         osaka = { location = 'publisher@boot.example.org:/srv/pxe', port = 2222 }",
    )
    .unwrap();
    for (text, shown, directory) in [
        ("local", "local", Some("/srv/pxe")),
        ("./local", "./local", Some("./local")),
        (".", ".", Some(".")),
        ("/srv", "/srv", Some("/srv")),
        ("bucket", "bucket", None),
        ("osaka", "osaka", None),
        ("s3://boot", "s3://boot", None),
        ("rsync://host/module", "rsync://host/module", None),
        ("host:directory", "host:directory", None),
    ] {
        let target: Target = configuration.target(text).unwrap();
        assert_eq!(target.to_string(), shown);
        assert_eq!(target.directory().map(|path| path.to_str().unwrap()), directory, "{text}");
    }
    let error = configuration.target("kyoto").unwrap_err();
    assert_eq!(error.to_string(), "there is no target `kyoto` in `netboot.toml`");
    let hint = "write one of bucket, local, osaka, or `./kyoto` for a directory of this machine";
    assert_eq!(error.hint().unwrap(), hint);
    let error = Configuration::default().target("kyoto").unwrap_err();
    assert!(error.hint().unwrap().starts_with("write `./kyoto` for a directory, or describe"));
}
