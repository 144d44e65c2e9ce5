//! Texts that look like targets of another program, or that are mistyped: what is wrong is said,
//! and what to write instead, which is a target.

use std::fs;

use netboot_cli::configuration::Configuration;
use netboot_cli::{Error, Target};
use netboot_publish::{MinisignKey, Signer};

use crate::place::Place;

/// Checks that a text is refused with a problem and a hint. Returns what the hint says to write.
fn refused(text: &str, problem: &str, hint: &str) -> Vec<String> {
    let error = Configuration::default().target(text).unwrap_err();
    assert!(matches!(error, Error::InvalidTarget { .. }), "{text}: {error:?}");
    let (said, advised) = (error.to_string(), error.hint().unwrap());
    assert!(said.ends_with(problem), "{text}: {said}");
    assert!(advised.contains(hint), "{text}: {advised}");
    advised.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

const FORMS: &str = "write a directory, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`";

/// The wrong form, the end of the message, a part of the hint, and true if the first word of the
/// hint in quotes is a target.
const WRONG: [(&str, &str, &str, bool); 65] = [
    ("", "it is empty", FORMS, false),
    (" ", "it is empty", FORMS, false),
    (" /srv", "it begins or ends with a space", "write `/srv` without the space", true),
    ("/srv ", "it begins or ends with a space", "write `/srv` without the space", true),
    ("/srv\n", "it begins or ends with a space", "write `/srv` without the space", true),
    // Buckets.
    ("s3://", "it names no bucket", FORMS, false),
    ("s3:///", "it names no bucket", FORMS, false),
    ("s3:boot", "two slashes follow `s3:`", "write `s3://boot`, or `USER@s3:/PATH` for a", true),
    ("s3:/boot/x", "two slashes follow `s3:`", "write `s3://boot/x`", true),
    ("S3:boot", "two slashes follow `s3:`", "write `s3://boot`", true),
    ("s3:", "two slashes follow `s3:`", "write `s3://…`", false),
    ("s3:///boot/x", "it names no bucket", "write `s3://boot/x`", true),
    ("S3://boot/x?region=a", "its scheme has capital letters", "write `s3://boot/x`", true),
    ("s3://bo ot/x", "or `tenant:bucket`", FORMS, false),
    ("s3://key:secret@boot", "credentials do not belong into it", "AWS_ACCESS_KEY_ID", false),
    ("s3://key@boot", "credentials do not belong into it", "RSYNC_PASSWORD", false),
    ("s3://boot/x//y", "expected no empty parts", "use a relative path of at most 512", false),
    ("s3://boot&region=a", "a `&` without a `?` before it", "write `?` before the first", false),
    ("s3://boot?region=a&region=b", "`region` is in it twice", "write `region=VALUE` once", false),
    ("s3://boot?region", "`region` has no value", "write `region=VALUE` once", false),
    ("s3://boot?endpoint=", "`endpoint` has no value", "write `endpoint=VALUE` once", false),
    ("s3://boot?allow_http=true", "no parameter `allow_http`", "did you mean `allow-http`?", false),
    ("s3://boot?endpiont=x", "no parameter `endpiont`", "did you mean `endpoint`?", false),
    ("s3://boot?colour=red", "no parameter `colour`", "remove it, or write one of the", false),
    ("s3://boot?allow-http=yes", "`allow-http` is not `yes`", "write `allow-http=true`", false),
    ("s3://boot?endpoint=h:9000", "write `https://h:9000`", "correct the endpoint", false),
    (
        "s3://boot?endpoint=http://h",
        "it uses no TLS, which `allow_http` must allow",
        "or add `&allow-http=true` to it",
        false,
    ),
    // Repositories of registries.
    ("oci://", "it names no repository", "write `oci://HOST/REPOSITORY` with a", false),
    ("oci://host", "it names no repository", "write `oci://host/REPOSITORY` with", false),
    ("oci://host:5000/", "it names no repository", "`oci://host:5000/REPOSITORY`", false),
    ("OCI://host/boot", "its scheme has capital letters", "write `oci://host/boot`", true),
    ("oci:host/boot", "two slashes follow `oci:`", "write `oci://host/boot`", true),
    ("docker://host/boot", "begins with `oci:`", "write `oci://host/boot`", true),
    ("oci://host/boot:latest", "it names a tag or a digest", "write `oci://host/boot`: ", true),
    ("oci://host/boot@sha256:0", "it names a tag or a digest", "write `oci://host/boot`: ", true),
    ("oci://host/Boot", "and at most 255 characters", "write `oci://HOST/REPOSITORY` or", false),
    ("oci://ho st/boot", "with or without a port", "write `oci://HOST/REPOSITORY` or", false),
    ("oci://user@host/boot", "credentials do not belong into it", "podman or docker", false),
    ("oci://u:secret@host/b", "credentials do not belong into it", "podman or docker", false),
    ("oci://host/boot?tls=no", "one parameter, `allow-http`", "`?allow-http=true` if the", false),
    // Daemons of rsync.
    ("rsync://host", "it names no module", "write `rsync://host/MODULE` with a module", true),
    ("rsync://host/", "it names no module", "write `rsync://host/MODULE` with a module", true),
    ("rsync://", "it names no host", FORMS, false),
    ("RSYNC://host/m", "its scheme has capital letters", "write `rsync://host/m`", true),
    ("rsync:host/m", "two slashes follow `rsync:`", "write `rsync://host/m`", true),
    ("rsync:/host/m", "two slashes follow `rsync:`", "write `rsync://host/m`", true),
    ("host::m/x", "a directory of an rsync daemon is a URL", "write `rsync://host/m/x`", true),
    ("rsync://h:0/m", "expected a number from 1 to 65535", "rsync://user@host:port", false),
    ("rsync://u:secret@h/m", "credentials do not belong into it", "RSYNC_PASSWORD", false),
    // Accounts of ssh.
    ("host:", "it has no path", "write `host:/PATH`", true),
    ("user@host", "no `:` follows the host", "write `user@host:/PATH` for a directory of", true),
    ("user@host/srv", "no `:` follows the host", "write `user@host:/srv` for", true),
    ("host:2222/srv", "a port does not belong into it", "and `port = 2222`", false),
    ("host:~/pxe", "in shells only", "write `host:pxe`: such a path starts at the home", true),
    ("host :/x", "expected letters, digits, `.`, `-` and `_`", "write `user@host:path`", false),
    ("@host:/x", "it is empty", "write `user@host:path`", false),
    ("::1:/x", "the address of its host has no brackets", "write `[::1]:/x`", true),
    ("u@fe80::1:/x", "the address of its host has no brackets", "write `u@[fe80::1]:/x`", true),
    ("ssh://u@h/srv", "a directory behind ssh has no `ssh:` URL", "write `u@h:/srv`", true),
    ("sftp://u@h:2222/srv", "no `sftp:` URL", "`location = \"u@h:/srv\"` and `port = 2222`", false),
    // Directories.
    ("file:///srv", "a directory of this machine is no URL", "the path alone: `/srv`", true),
    ("file:/srv", "a directory of this machine is no URL", "the path alone: `/srv`", true),
    ("C:\\pxe", "a drive of Windows is no place here", "such as `/mnt/c/pxe`", true),
    ("//server/share", "a share of Windows is no place here", "mount the share", false),
    ("~/pxe", "in shells only", "such as `/home/USER/pxe`, or `./~`", true),
];

#[test]
fn a_wrong_form_is_told_with_what_to_write_instead() {
    for (text, problem, hint, is_example) in WRONG {
        let quoted = refused(text, problem, hint);
        if is_example {
            quoted[0].parse::<Target>().unwrap();
        }
    }
    for (text, problem, hint) in [
        ("C:/pxe", "a drive of Windows is no place here", "such as `/mnt/c/pxe`"),
        ("\\\\server\\share", "a share of Windows is no place here", "mount the share"),
        ("https://h/x", "and nobody publishes to one", "write the place that the web server"),
        ("http:/h/x", "and nobody publishes to one", "write the place that the web server"),
        ("ftp://h/x", "nothing is published to `ftp:` URLs", FORMS),
        ("scp://h/x", "a directory behind ssh has no `scp:` URL", "write `h:/x`"),
        ("host:8080", "a port does not belong into it", "and `port = 8080`"),
        ("user@:/x", "it is empty", "write `user@host:path`"),
    ] {
        refused(text, problem, hint);
    }
}

#[test]
fn a_right_form_is_taken() {
    for text in [
        "/srv/pxe/",
        "./user@host",
        "./~",
        "/srv/a b",
        "@directory",
        "s3://boot",
        "s3://boot/x/",
        "s3://tenant:boot/x",
        "s3://boot?endpoint=http://127.0.0.1:9000&allow-http=true",
        "oci://registry.example.org/boot/nixos",
        "oci://127.0.0.1:5000/boot/",
        "oci://[::1]:5000/boot",
        "oci://host/boot?allow-http=true",
        "rsync://host/m/",
        "rsync://user@[::1]:8730/m/x",
        "user@host:/srv",
        "user@host:below/the/home",
        "host:/",
        "[::1]:/srv",
        "user@s3:/srv",
        "c:/srv",
        "USER@C:/srv",
    ] {
        Configuration::default().target(text).unwrap();
    }
}

#[test]
fn a_server_without_tls_is_allowed_where_it_is_named() {
    let hint = |text: &str| {
        let error = Configuration::parse(text, "netboot.toml").unwrap_err();
        error.hint().unwrap()
    };
    let table = "[targets.x]\nlocation = 's3://boot'\nendpoint = 'http://h'\n";
    let said = hint(table);
    assert!(said.contains("or add `allow-http = true` to its table"), "{said}");
    Configuration::parse(&format!("{table}allow-http = true\n"), "netboot.toml").unwrap();

    let location = "s3://boot?endpoint=http://h";
    let said = hint(&format!("[targets]\nx = '{location}'"));
    assert!(said.contains("or add `&allow-http=true` to it"), "{said}");
    Configuration::parse(&format!("[targets]\nx = '{location}&allow-http=true'"), "netboot.toml")
        .unwrap();

    // The environment names the server, and the target has no parameter yet.
    let place = Place::directory();
    let run = |target: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_netboot"));
        let output = command
            .args(["list", target])
            .current_dir(place.path("."))
            .env("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let said = run("s3://boot");
    assert!(said.contains("or add `?allow-http=true` to it"), "{said}");
    assert!(run("s3://boot?allow-http=true").contains("the connection was refused"));
}

#[test]
fn a_setting_of_another_place_is_removed() {
    for (wrong, hint, right) in [
        (
            "location = '/srv'\nport = 22",
            "remove `port`, or correct `location`",
            "location = 'h:/srv'\nport = 22",
        ),
        (
            "location = 'oci://h/b?allow-http=true'\nallow-http = true",
            "remove `allow-http` from the location or from the table",
            "location = 'oci://h/b'\nallow-http = true",
        ),
        (
            "location = 'rsync://h/m'\nhost-key = 'k'",
            "remove `host-key`, or correct `location`",
            "location = 'rsync://h/m'",
        ),
        (
            "location = 'h:p'\npassword-file = 'k'",
            "remove `password-file`, or correct `location`",
            "location = 'rsync://u@h/p'\npassword-file = 'k'",
        ),
        (
            "location = 's3://boot?region=a'\nregion = 'b'",
            "remove `region` from the location or from the table",
            "location = 's3://boot'\nregion = 'b'",
        ),
        (
            "location = 's3://boot'\nprofile = 'a'",
            "name the file that has the profile with `credentials-file`",
            "location = 's3://boot'\nprofile = 'a'\ncredentials-file = 'f'",
        ),
    ] {
        let parse =
            |text: &str| Configuration::parse(&format!("[targets.x]\n{text}\n"), "netboot.toml");
        assert_eq!(parse(wrong).unwrap_err().hint().unwrap(), hint);
        parse(right).unwrap();
    }
}

/// A file that an option or a setting names is not said to have vanished.
#[test]
fn a_file_that_is_not_there_is_told_with_the_option_that_names_it() {
    let place = Place::directory();
    let target = place.target();
    let key = MinisignKey::generate().unwrap();
    fs::write(place.path("public"), key.public_key().as_str()).unwrap();
    fs::write(place.path("secret"), key.to_file_text().unwrap()).unwrap();
    for (option, command) in [
        ("--sign", &["activate", &target, "ab"][..]),
        ("--key", &["list", &target]),
        ("--password-file", &["activate", &target, "ab", "--sign", "secret"]),
        ("--pointer-memory", &["list", &target, "--key", "public"]),
    ] {
        let file = "no/such/file";
        let said = place.misuses(&[command, &[option, file]].concat());
        assert!(
            said.starts_with(&format!("error: the file of `{option}` cannot be used")),
            "{said}"
        );
        assert!(said.contains("No such file or directory"), "{said}");
        assert!(said.contains("what to do: check the spelling of the path: `no/such"), "{said}");
        assert!(!said.contains("vanished"), "{said}");
    }
    for (key, file) in [
        ("signing.key-file", "[signing]\nkey-file = 'absent'\n"),
        ("signing.password-file", "[signing]\nkey-file = 'k'\npassword-file = 'absent'\n"),
    ] {
        fs::write(place.path("netboot.toml"), file).unwrap();
        let said = place.run(&["list", &target]).stderr;
        assert!(said.contains(&format!("`netboot.toml`: {key}: ")), "{said}");
        let hint = "what to do: check the spelling of the path: `";
        assert!(said.contains(hint) && said.contains("absent` does not exist"), "{said}");
    }
}

#[test]
fn a_bucket_without_credentials_says_where_they_come_from() {
    let place = Place::ministack();
    let target = place.target();
    let said = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_netboot"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        // The address of a metadata service that does not exist, so that it gives no keys.
        command.env("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1");
        let output = command.args(arguments).current_dir(place.path(".")).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let none = said(&["list", &target]);
    assert!(none.contains("no credentials were found") && !none.contains("denied"), "{none}");
    for part in [
        "what to do: set the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN for temporary keys",
        "with `credentials-file` and `profile` in netboot.toml",
    ] {
        assert!(none.contains(part), "{part}: {none}");
    }
    place.run(&["list", &target]);
    // A file of keys that is not there, or lacks the profile.
    let (location, settings) = target.split_once('?').unwrap();
    let settings = settings.replace('&', "\"\n").replace('=', " = \"");
    let settings = settings.replace("\"true", "true");
    let file = format!("[targets.x]\nlocation = \"{location}\"\n{settings}\n");
    fs::write(place.path("netboot.toml"), format!("{file}credentials-file = \"keys\"\n")).unwrap();
    let absent = said(&["list", "x"]);
    assert!(absent.contains("the provider of the keys gave none"), "{absent}");
    assert!(absent.contains("what to do: correct `credentials-file` or `profile`"), "{absent}");
    assert!(absent.contains("keys`"), "{absent}");
}

#[test]
fn a_value_of_an_option_is_told_with_its_rule() {
    let place = Place::directory();
    let target = place.target();
    for (option, value, problem, rule) in [
        ("--pointer", "Bad", "it may have lower-case letters", "use 1 to 63 lower-case letters"),
        (
            "--public-url",
            "ftp://h/x",
            "machines fetch by `http` and `https` only, and not by `ftp`",
            "write a URL such as `http://boot.example.net/netboot`",
        ),
        (
            "--public-url",
            "boot.example.net:8080/x",
            "it does not begin with `http://` or `https://`",
            "write a URL such as",
        ),
    ] {
        let said = place.run(&["verify", &target, option, value]);
        assert_eq!(said.code, Some(2), "{said:#?}");
        assert!(said.stderr.contains(problem), "{said:#?}");
        assert!(said.stderr.contains(&format!("what to do: {rule}")), "{said:#?}");
        let object = place.run(&["verify", &target, option, value, "--json"]).json();
        assert!(object["error"]["hint"].as_str().unwrap().starts_with(rule), "{object}");
    }
}

/// A reader of files shows the message of an error without its hint.
#[test]
fn a_value_of_the_configuration_is_told_with_its_rule() {
    let place = Place::directory();
    for (text, rule) in [
        ("[[profiles]]\nname = 'Bad'\n", "it may have lower-case letters, digits, `-` and `_`"),
        (
            "[[profiles]]\nname = 'a'\narchitecture = 'amd64'\n",
            "expected x86_64, aarch64, riscv64, armv7l, powerpc64le or loongarch64",
        ),
    ] {
        fs::write(place.path("netboot.toml"), text).unwrap();
        let said = place.run(&["list", "x"]);
        assert_eq!(said.code, Some(2), "{said:#?}");
        assert!(said.stderr.contains(rule), "{said:#?}");
    }
}

#[test]
fn a_file_in_the_place_of_a_directory_is_told() {
    let place = Place::directory();
    fs::write(place.path("file"), "").unwrap();
    for command in ["list", "boot"] {
        let said = place.fails(&[command, "./file"]);
        assert!(said.contains("`./file` is not a directory"), "{command}: {said}");
        assert!(said.contains("what to do: correct the path"), "{command}: {said}");
        let said = place.fails(&[command, "./absent"]);
        assert!(said.contains("there is no directory `./absent`"), "{command}: {said}");
    }
}
