//! Builds that succeed: real Nix on the test flake.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

mod place;

use std::process::Command;

use netboot_core::{Builder, Context, Event, Phase};
use place::{Place, configuration, manifest, profile, profiles, read, recording};

#[tokio::test]
async fn three_profiles_come_of_one_evaluation() {
    let place = Place::new();
    let builder = place.builder(&place.test_flake()).build().unwrap();
    let (context, events) = recording();
    let names = ["worker", "all-in-one", "control-plane"];
    let results = builder.build_all(&profiles(&names), &context).await;

    let images: Vec<_> = results.into_iter().map(Result::unwrap).collect();
    let order: Vec<_> = images.iter().map(|image| image.profile().as_str()).collect();
    assert_eq!(order, names);
    for image in &images {
        let toplevel = &image.provenance().outputs["toplevel"];
        assert_eq!(image.boot().init().as_str(), format!("{toplevel}/init"));
        assert!(std::path::Path::new(image.boot().init().as_str()).exists());
        let parameters: Vec<_> =
            image.boot().kernel_parameters().iter().map(ToString::to_string).collect();
        let name = image.profile();
        let of_profile = format!("netboot.profile={name}");
        assert_eq!(parameters, ["console=ttyS0,115200", "loglevel=4", of_profile.as_str()]);
        assert_eq!(image.kernel().file_name().as_str(), "bzImage");
        assert!(image.provenance().source.as_ref().unwrap().contains("narHash="));
    }
    let events = events.lock().unwrap();
    let started = |wanted: Phase| {
        let is_it = |e: &&Event| matches!(e, Event::PhaseStarted { phase, .. } if *phase == wanted);
        events.iter().filter(is_it).count()
    };
    assert_eq!((started(Phase::Locking), started(Phase::Evaluating)), (1, 1));
    assert_eq!(started(Phase::Realising), 3);
    let finished = |event: &&Event| matches!(event, Event::ProfileFinished { succeeded: true, .. });
    assert_eq!(events.iter().filter(finished).count(), 3);
}

#[tokio::test]
async fn the_flake_s_code_runs_once_however_many_profiles_there_are() {
    let place = Place::new();
    // The trace of a value that all configurations share appears once in an evaluation.
    let one = configuration("x", "exit 1");
    let flake = place.flake(&format!(
        "let shared = builtins.trace \"EVALUATED\" 1; one = {one}; in {{ nixosConfigurations = builtins.listToAttrs (map (n: {{ name = \"netboot-${{n}}\"; value.config = builtins.seq shared one; }}) [ \"a\" \"b\" \"c\" ]); }}"
    ));
    // A `nix` that counts how often it is asked to evaluate, and then does.
    let bin = place.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let nix = netboot_testbed::tool("nix");
    let log = place.path().join("calls");
    let script =
        format!("#!/bin/sh\necho \"$1\" >> {}\nexec {} \"$@\"\n", log.display(), nix.display());
    std::fs::write(bin.join("nix"), script).unwrap();
    std::fs::set_permissions(bin.join("nix"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let builder = place.builder(&flake).environment("PATH", path).build().unwrap();
    let results = builder.build_all(&profiles(&["a", "b", "c"]), &Context::new()).await;
    assert!(results.iter().all(Result::is_err), "their builders fail");
    assert_eq!(read(log), "flake\neval\n");
}

#[tokio::test]
async fn building_again_gives_the_same_image() {
    let place = Place::new();
    let flake = place.test_flake();
    let builder = place.builder(&flake).build().unwrap();
    let all = builder.build_all(&profiles(&["control-plane", "worker"]), &Context::new()).await;
    let first: Vec<String> = all.into_iter().map(|result| manifest(&result.unwrap())).collect();
    let second = builder.build(&profile("worker"), &Context::new()).await.unwrap();
    assert_eq!(manifest(&second), first[1]);
    // And another builder, in another state directory, sees the same but for what it recorded.
    let other = place.builder(&flake).state_directory(place.path().join("other")).build().unwrap();
    let third = other.build(&profile("worker"), &Context::new()).await.unwrap();
    assert_eq!(third.kernel().sha256(), second.kernel().sha256());
    assert_eq!(third.initrds()[0].sha256(), second.initrds()[0].sha256());
}

#[tokio::test]
async fn the_log_names_what_was_built_and_holds_what_builders_printed() {
    let place = Place::new();
    let builder = place.builder(&place.test_flake()).build().unwrap();
    let (context, events) = recording();
    let image = builder.build(&profile("worker"), &context).await.unwrap();
    let log = read(image.build_log().unwrap().local_path().unwrap());
    for output in image.provenance().outputs.values().chain(image.provenance().derivations.values())
    {
        assert!(log.contains(output.as_str()), "{output} is not in:\n{log}");
    }
    let events = events.lock().unwrap();
    let mut printed = 0;
    for event in events.iter() {
        if let Event::Log { line, .. } = event {
            printed += 1;
            assert!(log.contains(line.as_str()), "{line} is not in:\n{log}");
        }
    }
    assert!(printed > 0, "the test flake's builders print something");
}

#[tokio::test]
async fn the_garbage_collector_leaves_an_image_s_artifacts() {
    let place = Place::new();
    let builder = place.builder(&place.test_flake()).build().unwrap();
    let image = builder.build(&profile("worker"), &Context::new()).await.unwrap();
    let collected = Command::new(netboot_testbed::tool("nix-store"))
        .arg("--gc")
        .envs(place.nix.environment())
        .output()
        .unwrap();
    assert!(collected.status.success());
    assert!(
        String::from_utf8_lossy(&collected.stderr).contains("deleting"),
        "nothing was collected"
    );
    for artifact in image.payload() {
        let path = artifact.local_path().unwrap();
        assert!(path.exists(), "{} was collected", path.display());
    }
    assert!(std::path::Path::new(image.boot().init().as_str()).exists());
}

#[tokio::test]
async fn two_builds_of_one_profile_at_once_give_the_same_image() {
    let place = Place::new();
    let builder = place.builder(&place.test_flake()).build().unwrap();
    let (worker, context) = (profile("worker"), Context::new());
    // Two programs of Nix that make a new store at the same time disturb each other.
    builder.build(&profile("all-in-one"), &context).await.unwrap();
    let (one, two) =
        tokio::join!(builder.build(&worker, &context), builder.build(&worker, &context));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.kernel().sha256(), two.kernel().sha256());
    for image in [&one, &two] {
        for artifact in image.payload().chain(image.build_log()) {
            artifact.open().await.unwrap();
        }
    }
}
