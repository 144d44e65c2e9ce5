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
    let left: Vec<_> =
        std::fs::read_dir(place.path().join("state/logs/derivations")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_dropped_build_ends_its_builders() {
    let place = Place::new();
    let (flake, marker) = sleeper(&place);
    let builder = place.builder(&flake).build().unwrap();
    let build = tokio::spawn(async move { builder.build(&profile("x"), &Context::new()).await });
    eventually("the builder's start", || !processes_with(&marker).is_empty()).await;
    build.abort();
    eventually("the builder's end", || processes_with(&marker).is_empty()).await;
}

#[tokio::test]
async fn a_context_that_is_cancelled_already_starts_nothing() {
    let place = Place::new();
    let (flake, _) = sleeper(&place);
    let builder = place.builder(&flake).build().unwrap();
    let token = CancellationToken::new();
    token.cancel();
    let context = Context::new().with_cancellation(token);
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    assert!(matches!(error, netboot_core::Error::Cancelled), "{error:?}");
}
