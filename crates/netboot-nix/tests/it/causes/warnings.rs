//! Warnings after which Nix goes on.

use std::collections::BTreeSet;

use netboot_core::{Builder, Context, Event};

use crate::causes::scene::{NOWHERE, flake, warnings_of};
use crate::place::{Daemon, NixVersion, Place, WITH_INIT, least_configuration, profile, recording};

/// The hint of the warning that contains this text.
fn hint<'a>(warnings: &'a [(String, String)], text: &str) -> &'a str {
    let found = warnings.iter().filter(|(message, _)| message.contains(text));
    let found: Vec<_> = found.collect();
    assert!(!found.is_empty(), "{text} is not in {warnings:?}");
    &found[0].1
}

pub(crate) async fn the_daemon_does_not_trust_the_user(nix: NixVersion) {
    let place = Place::of(nix);
    let _daemon = Daemon::start(&place, "trusted-users =");
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let settings = place.settings(&format!("substituters = {NOWHERE}\nbuilders = ssh-ng://x"));
    let builder = place.builder(&flake).environment("NIX_CONFIG", settings);
    let warnings = warnings_of(builder.environment("NIX_REMOTE", "daemon")).await;
    assert!(hint(&warnings, NOWHERE).contains("trusted-substituters"));
    if nix != NixVersion::V2_8 {
        assert!(hint(&warnings, "ignores `builders`").contains("trusted-users"));
    }
}

pub(crate) async fn a_substitute_is_not_signed(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let builder = place.builder(&flake).build().unwrap();
    let image = builder.build(&profile("x"), &Context::new()).await.unwrap();
    let kernel = image.provenance().outputs["kernel"].clone();
    let cache = format!("file://{}", place.path().join("cache").display());
    let copy = place.command("nix").args(["copy", "--to", &cache, &kernel]).status();
    assert!(copy.unwrap().success());
    // Now the path exists only in the cache.
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    let delete = place.command("nix-store").args(["--delete", &kernel]).output().unwrap();
    assert!(delete.status.success(), "{}", String::from_utf8_lossy(&delete.stderr));

    let settings = place.settings(&format!("substituters = {cache}"));
    let warnings = warnings_of(place.builder(&flake).environment("NIX_CONFIG", settings)).await;
    assert!(hint(&warnings, &kernel).contains("trusted-public-keys"));
}

pub(crate) async fn a_cache_is_down(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place, &least_configuration("x", WITH_INIT, "{ }"));
    let settings = place.settings(&format!("substituters = {NOWHERE}"));
    let warnings = warnings_of(place.builder(&flake).environment("NIX_CONFIG", settings)).await;
    assert!(hint(&warnings, NOWHERE).contains("substituters"));
    // Nix retries several times and prints a warning each time.
    assert!(warnings.iter().all(|(message, _)| !message.contains("retrying")), "{warnings:?}");
    let once: BTreeSet<_> = warnings.iter().collect();
    assert_eq!(once.len(), warnings.len(), "{warnings:?}");
}

/// The PlasmaCloud flake warns in its own words. Nixpkgs prints NixOS's `warnings` and deprecated
/// options in this way.
#[tokio::test]
async fn what_the_flake_warns_of_is_told_with_the_profile() {
    for version in NixVersion::ALL {
        let place = Place::of(version);
        let warn = "builtins.warn or (text: builtins.trace \"warning: ${text}\")";
        let overrides = format!(
            "{{ boot.kernelParams = ({warn}) \"The firewall is OFF\\nin this image\" \
             ((builtins.trace \"evaluation warning: The option `x' has been renamed\") [ ]); }}"
        );
        let (context, events) = recording();
        let flake = flake(&place, &least_configuration("x", WITH_INIT, &overrides));
        let builder = place.builder(&flake).build().unwrap();
        builder.build(&profile("x"), &context).await.unwrap();
        let events = events.lock().unwrap();
        let told = |text: &str| {
            let is_told = |event: &&Event| {
                matches!(event, Event::Warning { profile: Some(profile), message, .. }
                    if profile.as_str() == "x" && message == text)
            };
            events.iter().filter(is_told).count()
        };
        assert_eq!(told("The firewall is OFF\n  | in this image"), 1, "{version:?}: {events:?}");
        assert_eq!(told("The option `x' has been renamed"), 1, "{version:?}: {events:?}");
    }
}
