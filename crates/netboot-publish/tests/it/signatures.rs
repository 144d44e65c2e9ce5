//! Minisign verifies netboot's signatures, and netboot verifies minisign's.
#![cfg(all(feature = "local", feature = "minisign"))]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use minisign::KeyPair;
use netboot_core::{Context, Release, layout};
use netboot_publish::contract::sample_release;
use netboot_publish::{Error, LocalStore, MinisignKey, Publisher, Signer, TrustedKey};
use netboot_publish::{VerifyDepth, VerifyScope};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse";

/// Runs Debian's minisign with this input.
fn minisign(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new("minisign")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("minisign is needed (apt-get install minisign): {error}"));
    // A command that needs no input does not read it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn succeed(directory: &Path, arguments: &[&str], input: &str) -> String {
    let output = minisign(directory, arguments, input);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn manifest(release: &Release) -> String {
    layout::in_release(release.id(), &layout::manifest()).to_string()
}

async fn assert_trusted(root: &Path, key: &TrustedKey) {
    let publisher = Publisher::new(LocalStore::new(root)).with_trusted_keys(key.clone());
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

#[test]
fn a_key_is_a_regular_file_of_a_sensible_size() {
    let work = TempDir::new().unwrap();
    let (pipe, large) = (work.path().join("pipe"), work.path().join("large"));
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    std::fs::File::create(&large).unwrap().set_len(1 << 40).unwrap();
    for place in [pipe, large, "/dev/zero".into()] {
        let errors =
            [MinisignKey::read(&place, None).unwrap_err(), TrustedKey::read(&place).unwrap_err()];
        for error in errors {
            assert!(matches!(error, Error::Artifact(_)), "{}: {error:?}", place.display());
        }
    }
}

#[tokio::test]
async fn minisign_verifies_what_netboot_signed() {
    let (root, release) = (TempDir::new().unwrap(), sample_release("one"));
    let key = MinisignKey::generate().unwrap();
    let publisher = Publisher::new(LocalStore::new(root.path()))
        .with_signer(key.clone())
        .with_signer(MinisignKey::generate().unwrap());
    publisher.publish(&release, &Context::new()).await.unwrap();

    let (manifest, public) = (manifest(&release), key.public_key().as_str());
    let said = succeed(root.path(), &["-V", "-H", "-m", &manifest, "-P", public], "");
    assert!(said.contains(&format!("Trusted comment: netboot release {}", release.id())), "{said}");

    // The signature covers the manifest: a changed manifest fails.
    let path = root.path().join(&manifest);
    let json = fs::read_to_string(&path).unwrap();
    fs::write(&path, json.replacen("worker", "warper", 1)).unwrap();
    assert!(!minisign(root.path(), &["-V", "-m", &manifest, "-P", public], "").status.success());
}

#[tokio::test]
async fn netboot_trusts_what_minisign_signed() {
    let (root, work) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let release = sample_release("one");
    let publisher = Publisher::new(LocalStore::new(root.path()));
    publisher.stage(&release, &Context::new()).await.unwrap();
    succeed(work.path(), &["-G", "-W", "-p", "release.pub", "-s", "release.key"], "");
    let trusted = TrustedKey::read(work.path().join("release.pub")).unwrap();
    let key = MinisignKey::read(work.path().join("release.key"), None).unwrap();
    let trusting = publisher.with_trusted_keys(trusted.clone()).with_signer(key.clone());

    let manifest = root.path().join(manifest(&release));
    let arguments = ["-S", "-s", "release.key", "-m", manifest.to_str().unwrap()];
    succeed(work.path(), &[&arguments[..], &["-t", "made by hand"]].concat(), "");
    trusting.activate(release.id(), &Context::new()).await.unwrap();
    assert_trusted(root.path(), &trusted).await;
    // Netboot signs with the same key.
    assert_eq!(*key.public_key(), trusted);

    // Netboot refuses a hand-made signature that names another release.
    let other = format!("netboot release {}", sample_release("two").id());
    succeed(work.path(), &[&arguments[..], &["-t", &other]].concat(), "");
    let error = trusting.activate(release.id(), &Context::new()).await.unwrap_err();
    assert!(error.to_string().contains("its signature belongs to another release"), "{error}");
}

#[tokio::test]
async fn a_protected_key_opens_with_its_password_only() {
    let (root, work) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let pair = KeyPair::generate_encrypted_keypair(Some(PASSWORD.to_owned())).unwrap();
    let secret = pair.sk.to_box(None).unwrap().into_string();
    let public = TrustedKey::parse(&pair.pk.to_box().unwrap().into_string()).unwrap();
    fs::write(work.path().join("release.key"), &secret).unwrap();

    // Minisign opens the key with the password.
    fs::write(work.path().join("text"), "text").unwrap();
    let sign = ["-S", "-s", "release.key", "-m", "text"];
    succeed(work.path(), &sign, &format!("{PASSWORD}\n"));
    assert!(!minisign(work.path(), &sign, "wrong\n").status.success());
    succeed(work.path(), &["-V", "-m", "text", "-P", public.as_str()], "");

    let locked = MinisignKey::parse(&secret, None).unwrap_err();
    assert!(matches!(locked, Error::KeyLocked), "{locked:?}");
    let wrong = MinisignKey::parse(&secret, Some("wrong")).unwrap_err();
    assert!(matches!(wrong, Error::MalformedKey { .. }), "{wrong:?}");
    assert!(locked.hint().is_some() && wrong.hint().is_some());
    let key = MinisignKey::parse(&secret, Some(PASSWORD)).unwrap();
    assert_eq!(*key.public_key(), public);

    let publisher = Publisher::new(LocalStore::new(root.path())).with_signer(key.clone());
    publisher.publish(&sample_release("one"), &Context::new()).await.unwrap();
    assert_trusted(root.path(), &public).await;

    // No text shows the secret.
    let open = key.to_file_text().unwrap();
    let open = open.lines().nth(1).unwrap();
    for shown in [format!("{key:?}"), format!("{publisher:?}"), format!("{wrong:?} {wrong}")] {
        assert!(!shown.contains(open) && !shown.contains(PASSWORD), "{shown}");
        assert!(!shown.contains("secret:") && !shown.contains("SecretKey"), "{shown}");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let public = MinisignKey::generate().unwrap().public_key().as_str().to_owned();
    for text in ["", "untrusted comment: x\n", "RWQ", &public[1..], "not base64 !"] {
        let error = TrustedKey::parse(text).unwrap_err();
        assert!(matches!(error, Error::MalformedKey { which: "public", .. }), "{text}: {error:?}");
        assert!(error.hint().unwrap().contains("second line"), "{error:?}");
        let error = MinisignKey::parse(text, None).unwrap_err();
        assert!(matches!(error, Error::MalformedKey { which: "secret", .. }), "{text}: {error:?}");
    }
    // The hint for a public key: both the file and its second line are taken.
    let file = format!("untrusted comment: minisign public key\n{public}\n");
    for text in [&public, file.lines().nth(1).unwrap(), &file] {
        assert_eq!(TrustedKey::parse(text).unwrap().as_str(), public);
    }
}
