//! The hints of `netboot.toml` and of targets are followed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use netboot_cli::configuration::{Configuration, ConfigurationPattern};
use netboot_cli::{Error, Target};
use netboot_publish::{MinisignKey, Signer};
use tempfile::TempDir;

fn parse(text: &str) -> Result<Configuration, Error> {
    Configuration::parse(text, "netboot.toml")
}

fn advises(error: &Error, hint: &str) {
    let given = error.hint().unwrap();
    assert!(given.contains(hint), "{error}: {given}");
}

#[test]
fn a_file_that_is_there_is_read() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("absent.toml");
    let error = Configuration::load(&path).unwrap_err();
    advises(&error, "correct the path of the configuration, and let this user read the file");
    fs::write(&path, "[retention]\nreleases = 7\n").unwrap();
    assert_eq!(Configuration::load(&path).unwrap().retention.releases, 7);
}

#[test]
fn a_line_that_was_corrected_is_read() {
    for (wrong, right) in [
        ("[retention]\nreleases = 'five'", "[retention]\nreleases = 5"),
        ("[flake\nreference = '.'", "[flake]\nreference = '.'"),
        ("[targets]\na = 1", "[targets]\na = '/srv'"),
        ("[targets]\na = { port = 22 }", "[targets]\na = { location = 'a:b', port = 22 }"),
    ] {
        let error = parse(wrong).unwrap_err();
        advises(&error, "correct the line that is named above; docs/netboot-toml.md has each key");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("line 2") || cause.contains("line 1"), "{cause}");
        parse(right).unwrap();
    }
}

#[test]
fn a_key_that_was_meant_is_read() {
    let error = parse("[retention]\nrelaeses = 7").unwrap_err();
    advises(&error, "did you mean `releases`? The keys are grace-hours, releases");
    assert_eq!(parse("[retention]\nreleases = 7").unwrap().retention.releases, 7);
}

#[test]
fn a_key_of_the_list_is_read() {
    let error = parse("[retention]\nfrobnicate = 7").unwrap_err();
    advises(&error, "remove it, or write one of the keys grace-hours, releases");
    assert_eq!(parse("[retention]\n").unwrap().retention.releases, 3);
    assert_eq!(parse("[retention]\ngrace-hours = 7").unwrap().retention.grace_hours, 7);
}

#[test]
fn a_target_that_is_written_in_one_of_the_forms_is_one() {
    let hint = "write a directory, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`, \
                `USER@HOST:/PATH`, `rsync://HOST/MODULE/PATH`, or the name of a target in \
                netboot.toml";
    for text in ["ftp://host/path", "", "s3://", "rsync://"] {
        advises(&text.parse::<Target>().unwrap_err(), hint);
    }
    for text in [
        "./directory",
        "s3://bucket/prefix",
        "oci://host/repository",
        "user@host:/path",
        "rsync://host/module/path",
    ] {
        text.parse::<Target>().unwrap();
    }
    let named = parse("[targets]\nlocal = '/srv'").unwrap();
    named.target("local").unwrap();
}

#[test]
fn a_name_that_is_known_or_becomes_a_directory_is_a_target() {
    let none = Configuration::default();
    let error = none.target("kyoto").unwrap_err();
    let hint = "write `./kyoto` for a directory, or describe the target in `[targets]` of";
    advises(&error, hint);
    assert!(none.target("./kyoto").unwrap().directory().is_some());
    let some = parse("[targets]\nosaka = '/srv'\ntokyo = '/srv/tokyo'").unwrap();
    let error = some.target("kyoto").unwrap_err();
    advises(&error, "write one of osaka, tokyo, or `./kyoto` for a directory of this machine");
    some.target("osaka").unwrap();
    assert!(some.target("./kyoto").unwrap().directory().is_some());
}

#[tokio::test]
async fn a_signing_table_that_was_corrected_gives_its_keys() {
    let directory = TempDir::new().unwrap();
    let [own, other] = [(), ()].map(|()| MinisignKey::generate().unwrap());
    fs::write(directory.path().join("key"), own.to_file_text().unwrap()).unwrap();
    fs::write(directory.path().join("password"), "").unwrap();
    let open = async |text: &str| {
        let text = format!("[targets]\nlocal = 'pxe'\n[signing]\n{text}");
        fs::write(directory.path().join("netboot.toml"), text).unwrap();
        let configuration = Configuration::find(directory.path()).unwrap();
        configuration.target("local").unwrap().publisher().await
    };
    let [own, other] = [own, other].map(|key| key.public_key().to_string());
    for (wrong, hint, right) in [
        (
            format!("key-file = 'key'\ntrusted-keys = ['{other}']"),
            "add its public key: nobody would trust what it signs",
            format!("key-file = 'key'\ntrusted-keys = ['{other}', '{own}']"),
        ),
        (
            format!("password-file = 'password'\ntrusted-keys = ['{own}']"),
            "name the secret key with key-file",
            format!("key-file = 'key'\ntrusted-keys = ['{own}']"),
        ),
        (
            "key-file = 'key'\npointer-lifetime-hours = 0".to_owned(),
            "write how long machines may boot while nobody renews the pointer, such as 168",
            "key-file = 'key'\npointer-lifetime-hours = 168".to_owned(),
        ),
    ] {
        advises(&open(&wrong).await.unwrap_err(), hint);
        open(&right).await.unwrap();
    }
}

#[test]
fn a_retention_of_one_release_is_one() {
    let error = parse("[retention]\nreleases = 0\n").unwrap_err();
    advises(&error, "write a number of at least 1: the live release is one of them");
    assert_eq!(parse("[retention]\nreleases = 1\n").unwrap().retention.releases, 1);
}

#[test]
fn a_closure_boot_with_a_program_can_be_built() {
    let table = "[closure-boot]\n";
    let error = parse(table).unwrap().closure_build().unwrap_err();
    advises(&error, "write program, the path of netboot-stage1, or source, the directory with");
    let directory = TempDir::new().unwrap();
    let program = directory.path().join("netboot-stage1");
    fs::write(&program, "the program").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let error = parse(&format!("{table}program = {program:?}\nsource = '/x'\n"));
    advises(&error.unwrap().closure_build().unwrap_err(), "write program, the path of");
    let right = parse(&format!("{table}program = {program:?}\n")).unwrap();
    assert!(right.closure_build().unwrap().is_some());
}

#[test]
fn a_pattern_with_the_place_of_the_profile_is_one() {
    for text in ["netboot", "{profile}-{profile}", ""] {
        let error = text.parse::<ConfigurationPattern>().unwrap_err();
        advises(&error, "with `{profile}` once in the place of the profile's name, such as");
    }
    let pattern: ConfigurationPattern = "netboot-{profile}".parse().unwrap();
    assert_eq!(pattern.attribute(&"worker".parse().unwrap()), "netboot-worker");
}
