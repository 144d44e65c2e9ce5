//! Cancelled and dropped builds leave no process behind.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use netboot_core::{Builder, CancellationToken, Context};
use netboot_testbed::PATIENCE;

use crate::place;
use crate::place::{
    Place, be_the_caller, caller, configuration, is_the_caller, processes_with, profile,
};

/// A grace time that no test waits for.
const LONG: Duration = Duration::from_secs(3600);

/// Waits until `condition` holds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A flake with builders that sleep, and a text that only their processes have.
fn sleeper(place: &Place) -> (String, String) {
    let marker = format!("netboot-sleeper-{}", place.path().file_name().unwrap().display());
    let configuration =
        configuration("sleeper", &format!("NETBOOT={marker}; /bin/sleep 3000; echo {marker}"));
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
    // No unfinished log is left, and no log that looks like that of a successful build.
    let logs = std::fs::read_dir(place.path().join("state/logs/derivations")).unwrap();
    let names = logs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = names.filter(|name| !name.ends_with(".unconfirmed.log")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_dropped_build_ends_its_builders() {
    let place = Place::new();
    let (flake, marker) = sleeper(&place);
    // With this grace time, only the request to end can end the builders, not a kill.
    let builder = place.builder(&flake).grace(LONG).build().unwrap();
    let build = tokio::spawn(async move { builder.build(&profile("x"), &Context::new()).await });
    eventually("the builder's start", || !processes_with(&marker).is_empty()).await;
    build.abort();
    eventually("the builder's end", || processes_with(&marker).is_empty()).await;
}

#[tokio::test]
async fn a_caller_that_is_killed_leaves_neither_nix_nor_its_builders() {
    if is_the_caller() {
        return be_the_caller(LONG).await;
    }
    let place = Place::new();
    let (flake, marker) = sleeper(&place);
    place.nix_script("nix", "exec $real \"$@\"");
    let name = "stopping::a_caller_that_is_killed_leaves_neither_nix_nor_its_builders";
    let mut caller = caller(name, &place, &flake);
    eventually("the builder's start", || !processes_with(&marker).is_empty()).await;
    caller.kill().unwrap();
    caller.wait().unwrap();
    // Every Nix process has the path of the store in its environment.
    let store = place.environment().remove("NIX_STORE_DIR").unwrap();
    eventually("the end of all", || {
        processes_with(&marker).is_empty() && processes_with(&store).is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_killed_caller_s_nix_that_does_not_end_is_killed_with_all_it_started() {
    if is_the_caller() {
        return be_the_caller(Duration::from_secs(1)).await;
    }
    let place = Place::new();
    let flake = place.flake("{ }");
    let marker = format!("netboot-deaf-{}", place.path().file_name().unwrap().display());
    // The child has its own session, like a builder.
    let deaf =
        format!("export M={marker}; trap '' TERM; setsid sleep 3000 & while :; do sleep 1; done");
    place.nix_script("nix", &deaf);
    let name = "stopping::a_killed_caller_s_nix_that_does_not_end_is_killed_with_all_it_started";
    let mut caller = caller(name, &place, &flake);
    eventually("its start", || processes_with(&marker).len() >= 2).await;
    caller.kill().unwrap();
    caller.wait().unwrap();
    eventually("the end of all", || processes_with(&marker).is_empty()).await;
}

#[tokio::test]
async fn what_a_killed_caller_left_is_used_or_removed_by_the_next() {
    if is_the_caller() {
        return be_the_caller(Duration::from_secs(15)).await;
    }
    let place = Place::new();
    let configuration = place::least_configuration("x", place::WITH_INIT, "{ }");
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let (state, stuck) = (place.path().join("state"), place.path().join("stuck"));
    // A Nix that makes the roots, loses one, and then hangs.
    place.nix_script(
        "nix-store",
        &format!(
            "case \"$*\" in *--add-root*) $real \"$@\"; rm {state}/roots/x/*-2; \
             touch {stuck}; exec sleep 3000;; esac; exec $real \"$@\"",
            state = state.display(),
            stuck = stuck.display()
        ),
    );
    let name = "stopping::what_a_killed_caller_left_is_used_or_removed_by_the_next";
    let mut caller = caller(name, &place, &flake);
    eventually("the roots", || stuck.exists()).await;
    caller.kill().unwrap();
    caller.wait().unwrap();
    let roots = |profile: &str| -> BTreeSet<PathBuf> {
        let entries = std::fs::read_dir(state.join("roots").join(profile)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let left = roots("x");
    assert_eq!(left.len(), 2);
    // Add an unfinished file, like that of a process that is killed while it writes.
    std::fs::write(state.join("logs/derivations/.unfinished-x"), "").unwrap();

    let next = place.builder(&flake).keep_roots(Duration::ZERO).build().unwrap();
    let image = next.build(&profile("x"), &Context::new()).await.unwrap();
    let now = roots("x");
    assert!(now.is_superset(&left) && now.len() == 3, "{left:?}, then {now:?}");
    assert!(!state.join("logs/derivations/.unfinished-x").exists());
    assert!(image.kernel().local_path().unwrap().exists());
    drop(next);
    // The roots of an abandoned profile are removed by the build of another one.
    let other = place::least_configuration("y", place::WITH_INIT, "{ }");
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-y.config = {other}; }}"));
    let other = place.builder(&flake).keep_roots(Duration::ZERO).build().unwrap();
    other.build(&profile("y"), &Context::new()).await.unwrap();
    assert!(!state.join("roots/x").exists());
    assert_eq!(roots("y").len(), 3);
}

#[tokio::test]
async fn a_program_that_does_not_end_is_killed_after_the_grace_time() {
    let place = Place::new();
    let (flake, marker) = sleeper(&place);
    // The child ignores the signal too.
    let deaf = format!("export M={marker}; trap '' TERM; while :; do sleep 1; done");
    place.nix_script("nix", &deaf);
    let builder = place.builder_with_programs(&flake);
    let builder = builder.grace(Duration::from_millis(300)).build().unwrap();
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let build = tokio::spawn(async move { builder.build(&profile("x"), &context).await });
    eventually("the program's start", || !processes_with(&marker).is_empty()).await;
    token.cancel();
    let ended = tokio::time::timeout(PATIENCE, build).await.unwrap();
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
    // Like ssh, which leaves a shared connection behind that holds its standard error.
    place.nix_script("nix", &format!("MARKER={marker} sleep 3000 &\nexec $real \"$@\""));
    let builder = place.builder_with_programs(&flake).build().unwrap();
    let (profile, context) = (profile("x"), Context::new());
    let build = builder.build(&profile, &context);
    tokio::time::timeout(PATIENCE, build).await.unwrap().unwrap();
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
    // The program is not even searched.
    let builder = place.builder(&flake).program_directory(place.path()).environment("PATH", "");
    let builder = builder.build().unwrap();
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    assert!(matches!(error, netboot_core::Error::Cancelled), "{error:?}");
}
