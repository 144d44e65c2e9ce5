//! Mistakes on the command line: each is told as one, before anything is asked or changed.

use std::fs;

use netboot_publish::{MinisignKey, Signer};

use crate::image;
use crate::place::Place;

/// A place with a published release, the files of a key, and an image.
async fn place() -> Place {
    let place = Place::directory();
    place.publish(["one"]).await;
    let key = MinisignKey::generate().unwrap();
    fs::write(place.path("release.key"), key.to_file_text().unwrap()).unwrap();
    fs::write(place.path("release.pub"), key.public_key().as_str()).unwrap();
    fs::write(place.path("password"), "secret").unwrap();
    image::write(&place.path("worker"), "a=1");
    place
}

#[tokio::test]
async fn options_that_would_have_no_effect_are_refused() {
    let place = place().await;
    let target = place.target();
    let rollback = ["rollback", &target];
    let publish = ["publish", "worker", "--to", "./pxe"];
    let check = ["build", "--check"];
    for (command, options, told) in [
        (&rollback[..], &["--password-file", "password"][..], "--sign <FILE>"),
        (&rollback, &["--pointer-lifetime", "24"], "--sign FILE"),
        (&rollback, &["--sign", "release.key", "--pointer-lifetime", "0"], "at least 1"),
        (&rollback, &["--replace-untrusted"], "--sign FILE"),
        (&rollback, &["--threshold", "1"], "--key FILE"),
        (&rollback, &["--key", "release.pub", "--threshold", "0"], "at least 1"),
        (&rollback, &["--pointer-memory", "seen.json"], "--key FILE"),
        (&["list", &target], &["--pointer-memory", "seen.json"], "--key FILE"),
        (&["prune", &target], &["--keep", "0"], "at least 1"),
        (&["prune", &target], &["--replace-foreign"], "--replace-foreign"),
        (&["refresh", &target, "--sign", "release.key"], &["--replace-untrusted"], "untrusted"),
        (&["countersign", &target, "ab"], &["--pointer", "canary"], "--pointer"),
        (&["repair", &target], &["--from", &target], "are the same target"),
        (&publish, &["--timeout", "0"], "at least 1"),
        (&publish, &["--expect", "ready"], "--prove"),
        (&publish, &["--machines", "rack.toml", "--without-machines"], "cannot be used with"),
        (&check, &["--to", "./pxe"], "cannot be used with"),
        (&check, &["--prove"], "`--prove` has no effect"),
        (&["build"], &["--all-or-none"], "`--all-or-none` has no effect"),
        (&["build"], &["--sign", "release.key"], "`--sign` has no effect"),
        (&["build"], &["--evaluation-time", "0"], "at least 1"),
    ] {
        let said = place.misuses(&[command, options].concat());
        assert!(said.contains(told), "{command:?} {options:?}: {said}");
    }
    assert!(!place.path("pxe").exists() && !place.path("seen.json").exists());
    let file = "[retention]\nreleases = 0\n";
    fs::write(place.path("netboot.toml"), file).unwrap();
    let said = place.misuses(&["prune", &target]);
    assert!(said.contains("retention.releases") && said.contains("at least 1"), "{said}");
}

#[tokio::test]
async fn the_remedies_of_options_without_effect_work() {
    let place = place().await;
    let target = place.target();
    let live = place.live().await.unwrap().short();
    let activate = ["activate", &target, &live];
    place.succeeds(&["countersign", &target, &live, "--sign", "release.key"]);
    let keys = ["--sign", "release.key", "--key", "release.pub", "--threshold", "1"];
    let first = ["--replace-untrusted", "--pointer-lifetime", "24", "--pointer-memory", "seen"];
    place.succeeds(&[&activate[..], &keys, &first].concat());
    place.succeeds(&["list", &target, "--key", "release.pub", "--pointer-memory", "seen"]);
    place.succeeds(&["refresh", &target, "--sign", "release.key", "--pointer-lifetime", "1"]);
    place.succeeds(&["prune", &target, "--keep", "1"]);
}

#[tokio::test]
async fn a_target_is_named_once() {
    let place = place().await;
    fs::write(place.path("netboot.toml"), "[targets]\nlocal = \"pxe\"\n").unwrap();
    std::os::unix::fs::symlink("pxe", place.path("link")).unwrap();
    let path = place.path("pxe").display().to_string();
    for same in ["./pxe", "local", "./pxe/", "./link", "./other/../pxe", &path] {
        let twice = ["publish", "worker", "--to", "./pxe", "--to", same];
        let said = place.misuses(&twice);
        assert!(said.contains("are the same target"), "{said}");
    }
    assert!(!place.path("pxe").exists());
    place.succeeds(&["publish", "worker", "--to", "local", "--to", "./other"]);
    let said = place.misuses(&["fleet", "publish", "./pxe", "local", "--without-machines"]);
    assert!(said.contains("are the same target"), "{said}");
    let said = place.misuses(&["repair", "local", "--from", "./other", "--from", "./other/."]);
    assert!(said.contains("name another target that has the release"), "{said}");
    place.succeeds(&["repair", "local", "--from", "./other"]);

    let bucket = Place::ministack();
    image::write(&bucket.path("worker"), "a=1");
    let (one, other) = (bucket.target(), bucket.target().replace("/nixos?", "/nixos/?"));
    let said = bucket.misuses(&["publish", "worker", "--to", &one, "--to", &other]);
    assert!(said.contains("are the same target"), "{said}");
    assert_eq!(bucket.live().await, None);
}

#[tokio::test]
async fn a_value_that_cannot_be_used_is_a_mistake_on_the_command_line() {
    let place = place().await;
    let target = place.target();
    fs::write(place.path("bad.pub"), "no key").unwrap();
    image::write(&place.path("Image 7"), "a=1");
    let bucket = |name: &str, file: &str| {
        format!(
            "[targets.{name}]\nlocation = \"s3://bucket/nixos?endpoint=https://127.0.0.1:1\"\n\
             region = \"x\"\nca-certificate-file = \"{file}\"\n"
        )
    };
    let targets = [bucket("bucket", "nope.pem"), bucket("garbled", "bad.pub")];
    fs::write(place.path("netboot.toml"), targets.concat()).unwrap();
    let dhcp = "export dhcp --server kea --interface eth0 --subnet 10.0.0.0/24 --tftp-server \
                10.0.0.1 --script http://10.0.0.1/boot.ipxe --lease";
    let dhcp: Vec<&str> = dhcp.split_whitespace().collect();
    for (command, told) in [
        (&["build", "--compression-level", "20"][..], "20"),
        (&["build", "--profiles", "nope"], "nope"),
        (&["build", "--check", "--stage1", "nope"], "nope"),
        (&["verify", &target, "--public-url", "foo"], "foo"),
        (&["list", &target, "--key", "release.pub", "--threshold", "2"], "2 of 1 keys"),
        (&["list", &target, "--key", "nope.pub"], "nope.pub"),
        (&["list", &target, "--key", "bad.pub"], "public key"),
        (&["rollback", &target, "--sign", "release.pub"], "key"),
        (&["rollback", &target, "--sign", "release.key", "--password-file", "nope"], "nope"),
        (&["refresh", &target], "--sign FILE"),
        (&["fleet", "list"], "--machines FILE"),
        (&["build", "--flake", "./nope"], "no flake at"),
        (&["size", "--profile", "worker", "--flake", "./nope"], "no flake at"),
        (&["list", "bucket"], "nope.pem"),
        (&["list", "garbled"], "certificate"),
        (&["publish", "worker", "--to", "./pxe", "--closure-url", "ftp://a/"], "ftp://a/"),
        (&["publish", "worker", "--to", "./pxe", "--profile", "a", "--profile", "b"], "more"),
        (&["publish", "Image 7", "--to", "./pxe"], "Image 7"),
        (&["boot", "http://127.0.0.1:1/boot.ipxe", "--profile", "worker"], "--profile"),
        (&["boot", &target, "--timeout", "0"], "timeout"),
        (&["boot", &target, "--memory", "1"], "128 MiB"),
        (&["publish", "worker", "--to", "./pxe", "--prove", "--boot-timeout", "0"], "timeout"),
        (
            &[
                "export",
                "pixiecore",
                "rsync://127.0.0.1:1/a/b",
                "--machine",
                "52:54:00:00:00:01=worker",
            ],
            "--output",
        ),
        (&[&dhcp[..], &["10.0.1.1-10.0.1.9"]].concat(), "10.0.1.1"),
    ] {
        let said = place.misuses(command);
        assert!(said.contains(told), "{command:?}: {said}");
    }
    assert!(!place.path("pxe").exists());
}
