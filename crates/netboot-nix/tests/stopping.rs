//! Builds that are stopped leave no process behind.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose set-up fails has failed")]

mod place;

use std::time::Duration;

use netboot_core::{Builder, CancellationToken, Context};
use place::{Place, configuration, processes_with, profile};

/// Waits until `condition` holds, for at most 20 seconds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..400 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not happen in 20 seconds");
}

/// A flake whose builders sleep, and a text that only their processes have.
fn sleeper(place: &Place) -> (String, String) {
    let marker = format!("netboot-sleeper-{}", place.path().file_name().unwrap().display());
    let configuration =
        configuration("sleeper", &format!("NETBOOT={marker}; /bin/sleep 600; echo {marker}"));
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    (flake, marker)
}

#[tokio::test]
async fn a_cancelled_build_ends_its_builders() {
    let place = Place::new();
    let (flake, marker) = sleeper(&place);
    let builder = place.builder(&flake).build().unwrap();
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let build = tokio::spawn(async move { builder.build(&profile("x"), &context).await });
    eventually("the builder's start", || !processes_with(&marker).is_empty()).await;
    token.cancel();
    let error = build.await.unwrap().unwrap_err();
    assert!(matches!(error, netboot_core::Error::Cancelled), "{error:?}");
    assert_eq!(processes_with(&marker), Vec::<String>::new());
    // Nothing is left that is begun only, or that looks like the log of something built.
    let logs = std::fs::read_dir(place.path().join("state/logs/derivations")).unwrap();
    let names = logs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = names.filter(|name| !name.ends_with(".unconfirmed.log")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_dropped_build_ends_its_builders() {
    let place = Place::new();
    let (flake, marker) = sleeper(&place);
    // So long that only what Nix is asked to do ends them here, and not that it is killed.
    let builder = place.builder(&flake).grace(Duration::from_secs(120)).build().unwrap();
    let build = tokio::spawn(async move { builder.build(&profile("x"), &Context::new()).await });
    eventually("the builder's start", || !processes_with(&marker).is_empty()).await;
    build.abort();
    eventually("the builder's end", || processes_with(&marker).is_empty()).await;
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_after_the_grace_time() {
    let place = Place::new();
    let (flake, marker) = sleeper(&place);
    // Its child ignores the signal too.
    let deaf = format!("export M={marker}; trap '' TERM; while :; do sleep 1; done");
    place.nix_script("nix", &deaf);
    let builder = place.builder_with_programs(&flake);
    let builder = builder.grace(Duration::from_millis(300)).build().unwrap();
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let build = tokio::spawn(async move { builder.build(&profile("x"), &context).await });
    eventually("the program's start", || !processes_with(&marker).is_empty()).await;
    token.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), build).await.unwrap();
    assert!(matches!(ended.unwrap(), Err(netboot_core::Error::Cancelled)));
    eventually("the end of its children", || processes_with(&marker).is_empty()).await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_keeps_nobody_waiting_and_is_ended() {
    let place = Place::new();
    let marker = format!("netboot-left-{}", place.path().file_name().unwrap().display());
    let flake = place.flake(&format!(
        "{{ nixosConfigurations.netboot-x.config = {}; }}",
        place::least_configuration("x", place::WITH_INIT, "{ }")
    ));
    // As ssh leaves a shared connection behind, which holds the standard error that it got.
    place.nix_script("nix", &format!("MARKER={marker} sleep 600 &\nexec $real \"$@\""));
    let builder = place.builder_with_programs(&flake).build().unwrap();
    let (profile, context) = (profile("x"), Context::new());
    let build = builder.build(&profile, &context);
    tokio::time::timeout(Duration::from_secs(60), build).await.unwrap().unwrap();
    eventually("the end of what was left", || processes_with(&marker).is_empty()).await;
}

#[tokio::test]
async fn a_context_that_is_cancelled_already_starts_nothing() {
    let place = Place::new();
    let (flake, _) = sleeper(&place);
    let started = place.path().join("started");
    place.nix_script("nix", &format!("touch {}", started.display()));
    let builder = place.builder_with_programs(&flake).build().unwrap();
    let token = CancellationToken::new();
    token.cancel();
    let context = Context::new().with_cancellation(token);
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    assert!(matches!(error, netboot_core::Error::Cancelled), "{error:?}");
    assert!(!started.exists());
    // Nothing is even looked for.
    let builder = place.builder(&flake).program_directory(place.path()).environment("PATH", "");
    let builder = builder.build().unwrap();
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    assert!(matches!(error, netboot_core::Error::Cancelled), "{error:?}");
}
