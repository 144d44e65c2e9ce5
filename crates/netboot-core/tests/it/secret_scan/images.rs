//! Secrets in prebuilt images.

use std::fs;
use std::sync::{Arc, Mutex};

use netboot_core::secret_scan::{SecretKind, SecretPolicy, Severity};
use netboot_core::{Builder, Context, Error, Event, PrebuiltBuilder, PrebuiltImage, ProfileSpec};
use tempfile::TempDir;

use crate::boot_files::initrd::{gzip, zstd};
use crate::boot_files::{bz_image, cpio};

const INIT: &str = "nix/store/0a-nixos-system/init";
const KEY: &[u8] = b"PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n";

/// Builds an image with these initrd and kernel parameters, and returns the events as texts.
async fn build(
    initrd: &[u8],
    parameters: &str,
    policy: SecretPolicy,
) -> (Result<(), Error>, Vec<String>) {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    file("bzImage", &bz_image(10));
    file("initrd", initrd);
    file("init", format!("/{INIT}").as_bytes());
    file("kernel-params", parameters.as_bytes());
    let image = PrebuiltImage::directory(directory.path());
    let builder = PrebuiltBuilder::new().with_image("worker", image).unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = events.clone();
    let context = Context::new()
        .with_events(move |event: Event| sink.lock().unwrap().push(event.to_string()));
    let profile = ProfileSpec::new("worker").unwrap();
    let result = builder.with_secret_policy(policy).build(&profile, &context).await;
    let events = events.lock().unwrap().clone();
    (result.map(drop), events)
}

fn with(path: &str, bytes: &[u8]) -> Vec<u8> {
    cpio(&[("init", b"#!/bin/sh\n"), (INIT, b"#!/bin/sh\n"), (path, bytes)])
}

#[tokio::test]
async fn a_key_in_an_initrd_is_refused_in_every_form_that_is_read() {
    let plain = with("etc/wireguard/wg0.conf", KEY);
    let microcode = cpio(&[("kernel/x86/microcode/x.bin", b"")]);
    let second = [microcode, gzip(&plain)].concat();
    for initrd in [gzip(&plain), zstd(&plain), plain, second] {
        let (result, events) = build(&initrd, "quiet", SecretPolicy::default()).await;
        let error = result.unwrap_err();
        let Error::SecretsFound { findings, .. } = &error else { panic!("{error:?}") };
        assert_eq!(findings[0].place.file, "etc/wireguard/wg0.conf");
        assert!(findings[0].place.container.ends_with("/initrd"), "{error}");
        assert!(error.hint().unwrap().contains("wireguard-key"), "{:?}", error.hint());
        let shown = format!("{error} {error:?} {} {}", error.hint().unwrap(), events.join("\n"));
        assert!(!shown.contains("yAnz5TF"), "{shown}");
    }
}

#[tokio::test]
async fn a_secret_among_the_kernel_parameters_is_refused() {
    let token = ["ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat();
    let parameters = format!("quiet token={token}");
    let (result, _) = build(&with("x", b""), &parameters, SecretPolicy::default()).await;
    let error = result.unwrap_err();
    assert!(matches!(error, Error::SecretsFound { .. }), "{error:?}");
    assert!(error.to_string().contains("kernel parameters") && !error.to_string().contains(&token));
}

#[tokio::test]
async fn the_policy_warns_allows_and_counts() {
    let initrd = with("etc/wireguard/wg0.conf", KEY);
    let warn = SecretPolicy::default().with_severity(SecretKind::PrivateKey, Severity::Warn);
    let (result, events) = build(&initrd, "quiet", warn).await;
    result.unwrap();
    let is_it = |event: &String| event.contains("warning") && event.contains("wg0.conf");
    assert!(events.iter().any(is_it), "{events:?}");

    let allowed = SecretPolicy::default()
        .with_allowed("wireguard-key", "/**/wg0.conf", "a lab's own key")
        .unwrap();
    let (result, events) = build(&initrd, "quiet", allowed).await;
    result.unwrap();
    assert!(events.iter().any(|event| event.contains("a lab's own key")), "{events:?}");

    let tests = with("nix/store/0b-python/lib/python3/test/wg0.conf", KEY);
    let (result, events) = build(&tests, "quiet", SecretPolicy::default()).await;
    result.unwrap();
    assert!(events.iter().any(|event| event.contains("1 secret of the tests")), "{events:?}");
    let (result, events) = build(&initrd, "quiet", SecretPolicy::none()).await;
    result.unwrap();
    assert!(!events.iter().any(|event| event.contains("secret")), "{events:?}");
}

#[tokio::test]
async fn a_part_that_is_not_read_is_named() {
    let squashfs = with("nix-store.squashfs", b"hsqs");
    {
        let (initrd, named) = (squashfs, "nix-store.squashfs");
        let (result, events) = build(&initrd, "quiet", SecretPolicy::default()).await;
        result.unwrap();
        let is_it = |event: &String| event.contains(named) && event.contains("not scanned");
        assert!(events.iter().any(is_it), "{events:?}");
    }
}
