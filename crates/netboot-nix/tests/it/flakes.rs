//! Flakes that cannot be locked or evaluated, and the provenance of images.

use std::error::Error as _;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use netboot_core::{Builder, Context, Event};
use netboot_nix::Error;

use crate::place::{
    Place, WITH_INIT, least_configuration, manifest, profile, profiles, read, recording,
};

/// The discard port, on which no server listens.
const NOWHERE: &str = "http://127.0.0.1:9";

fn inner(error: &netboot_core::Error) -> &Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}"))
}

async fn error_of(place: &Place, flake: &str) -> Error {
    let builder = place.builder(flake).build().unwrap();
    let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
    assert!(error.hint().is_some(), "no hint: {error:?}");
    inner(&error).clone()
}

#[tokio::test]
async fn a_flake_with_an_error_in_it_is_not_called_missing() {
    let place = Place::new();
    let error = error_of(&place, &place.flake("{ ")).await;
    let Error::Evaluation { message, .. } = error else { panic!("{error:?}") };
    assert!(message.contains("syntax error"), "{message}");
}

#[tokio::test]
async fn a_flake_that_cannot_be_fetched_is_named_without_its_credentials() {
    let place = Place::new();
    let error = error_of(&place, "http://user:hunter22@127.0.0.1:9/x.tar.gz?key=hunter23").await;
    assert!(matches!(error, Error::Network { .. }), "{error:?}");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("127.0.0.1:9/x.tar.gz") && !shown.contains("hunter2"), "{shown}");

    let error = error_of(&place, "git+file:///nowhere/of/ours").await;
    assert!(matches!(error, Error::FlakeNotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn a_download_that_fails_sinks_only_its_own_profile() {
    let place = Place::new();
    let hash = "0000000000000000000000000000000000000000000000000000";
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-bad.config.boot.kernelParams = [ (builtins.readFile (builtins.fetchurl {{ url = \"{NOWHERE}/x\"; sha256 = \"{hash}\"; }})) ]; netboot-good.config = {}; }}; }}",
        least_configuration("good", WITH_INIT, "{ }")
    ));
    let builder = place.builder(&flake).build().unwrap();
    let results = builder.build_all(&profiles(&["bad", "good"]), &Context::new()).await;
    let error = inner(results[0].as_ref().unwrap_err());
    assert!(matches!(error, Error::Network { .. }), "{error:?}");
    assert!(results[1].is_ok(), "{:?}", results[1]);
}

#[tokio::test]
async fn a_touched_file_makes_no_other_image() {
    let place = Place::new();
    let configuration = least_configuration("x", WITH_INIT, "{ }");
    let outputs = format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}");
    let flake = place.flake(&outputs);
    let builder = place.builder(&flake).build().unwrap();
    let first = builder.build(&profile("x"), &Context::new()).await.unwrap();
    let file = fs::File::options().write(true).open(place.path().join("own/flake.nix")).unwrap();
    let other = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    file.set_modified(other).unwrap();
    let second = builder.build(&profile("x"), &Context::new()).await.unwrap();
    assert_eq!(manifest(&first), manifest(&second));
    let source = first.provenance().source.clone().unwrap();
    assert!(source.contains("narHash=") && !source.contains("lastModified"), "{source}");
    assert!(read(first.build_log().unwrap().local_path().unwrap()).contains(&source));
}

#[tokio::test]
async fn changes_that_are_not_committed_are_warned_of() {
    let place = Place::new();
    let configuration = least_configuration("x", WITH_INIT, "{ }");
    place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let directory = place.path().join("own");
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@example.org"])
            .args(["-c", "commit.gpgsign=false", "-C"])
            .arg(&directory)
            .args(arguments)
            .status();
        assert!(status.unwrap().success(), "git {arguments:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "flake.nix"]);
    let warnings = async || {
        let builder = place.builder(directory.to_str().unwrap()).build().unwrap();
        let (context, events) = recording();
        let image = builder.build(&profile("x"), &context).await.unwrap();
        let is_warning = |event: &&Event| matches!(event, Event::Warning { hint: Some(hint), .. } if hint.contains("commit"));
        let count = events.lock().unwrap().iter().filter(is_warning).count();
        (count, image.provenance().source.clone().unwrap())
    };
    assert_eq!(warnings().await.0, 1);
    git(&["commit", "-q", "-m", "x"]);
    let (count, source) = warnings().await;
    assert_eq!(count, 0);
    assert!(source.contains("rev="), "{source}");
}

#[tokio::test]
async fn offline_no_substituter_is_asked() {
    let place = Place::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        while let Ok((connection, _)) = listener.accept() {
            // The server closes the connection without an answer.
            drop(connection);
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let settings = place.settings(&format!("substituters = http://127.0.0.1:{port}"));
    for (offline, name) in [(true, "one"), (false, "two")] {
        let configuration = least_configuration(name, WITH_INIT, "{ }");
        let flake =
            place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
        let builder = place.builder(&flake).environment("NIX_CONFIG", &settings).offline(offline);
        builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed) == 0, offline);
    }
}

#[tokio::test]
async fn flakes_need_not_be_enabled() {
    let place = Place::new();
    let settings = place.settings("");
    let is_feature = |line: &&str| line.contains("experimental-features");
    assert!(settings.lines().any(|line| is_feature(&line)), "{settings}");
    let without: Vec<&str> = settings.lines().filter(|line| !is_feature(line)).collect();
    let configuration = least_configuration("x", WITH_INIT, "{ }");
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let builder = place.builder(&flake).environment("NIX_CONFIG", without.join("\n"));
    builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap();
}
