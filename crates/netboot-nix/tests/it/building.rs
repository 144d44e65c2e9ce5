//! Successful builds of the test flake with real Nix.

use netboot_core::{Builder, CancellationToken, Context, Event, Phase};

use crate::place::{
    Place, WITH_INIT, configuration, least_configuration, manifest, profile, profiles, read,
    recording,
};

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
        assert_eq!(
            parameters,
            ["console=ttyS0,115200", "loglevel=4", "no_timer_check", of_profile.as_str()]
        );
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
    let one = configuration("x", "exit 1");
    let flake = place.flake(&format!(
        "let one = {one}; in {{ nixosConfigurations = builtins.listToAttrs (map (n: {{ name = \"netboot-${{n}}\"; value.config = one; }}) [ \"a\" \"b\" \"c\" ]); }}"
    ));
    // A `nix` that records its arguments and then runs the real one.
    let log = place.path().join("calls");
    place.nix_script("nix", &format!("echo \"$1\" >> {}\nexec $real \"$@\"", log.display()));
    let builder = place.builder_with_programs(&flake).build().unwrap();
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
    // Another builder with another state directory makes the same image, except for the log.
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
    let collected = place.command("nix-store").arg("--gc").output().unwrap();
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
    // Two Nix programs that make a new store at the same time disturb each other.
    builder.build(&profile("all-in-one"), &context).await.unwrap();
    let (one, two) =
        tokio::join!(builder.build(&worker, &context), builder.build(&worker, &context));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(manifest(&one), manifest(&two));
    for image in [&one, &two] {
        for artifact in image.payload().chain(image.build_log()) {
            artifact.open().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_has_every_line_of_builds_that_failed_or_were_cancelled_in_between() {
    let place = Place::new();
    let stage = place.path().join("stage");
    std::fs::write(&stage, "hang").unwrap();
    // The initrd hangs first, then fails, then succeeds. Its dependency is built in the first run.
    let fill = format!(
        r"case $(busybox cat {0}) in fail) echo not yet; exit 1;; hang) busybox touch {0}.hangs; busybox sleep 600;; esac; {WITH_INIT}",
        stage.display()
    );
    let configuration = least_configuration("x", &fill, "{ }");
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let builder = place.builder(&flake).build().unwrap();
    let build = async |context: &Context| builder.build(&profile("x"), context).await;

    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let cancel = async {
        while !place.path().join("stage.hangs").exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        token.cancel();
    };
    let (stopped, ()) = tokio::join!(build(&context), cancel);
    assert!(matches!(stopped, Err(netboot_core::Error::Cancelled)), "{stopped:?}");

    std::fs::write(&stage, "fail").unwrap();
    build(&Context::new()).await.unwrap_err();

    std::fs::write(&stage, "build").unwrap();
    let image = build(&Context::new()).await.unwrap();
    let log = read(image.build_log().unwrap().local_path().unwrap());
    for part in ["linux-x", "system-x", "initrd-x"] {
        assert_eq!(log.matches(&format!("building {part}\n")).count(), 1, "{part}:\n{log}");
    }
    assert!(!log.contains("not yet"), "{log}");
    let again = build(&Context::new()).await.unwrap();
    assert_eq!(manifest(&again), manifest(&image));
}

#[tokio::test]
async fn progress_never_runs_backwards() {
    let place = Place::new();
    let builder = place.builder(&place.test_flake()).build().unwrap();
    let (context, events) = recording();
    builder.build_all(&profiles(&["worker", "control-plane"]), &context).await;
    let mut last = std::collections::BTreeMap::new();
    for event in events.lock().unwrap().iter() {
        if let Event::Progress { profile, subject, done, total, .. } = event {
            assert!(total.is_none_or(|total| *done <= total), "{event:?}");
            let before = last.insert((profile.clone(), subject.clone()), *done);
            assert!(before.is_none_or(|before| before <= *done), "{before:?} and then {event:?}");
        }
    }
    assert!(!last.is_empty(), "nothing was reported");
}

#[tokio::test]
async fn roots_of_earlier_builders_go_after_their_time_and_those_of_a_living_one_stay() {
    let place = Place::new();
    let roots = || std::fs::read_dir(place.path().join("state/roots/x")).unwrap().count();
    let flake = |name| {
        let configuration = least_configuration(name, WITH_INIT, "{ }");
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"))
    };
    let builder = |flake: &str| {
        let builder = place.builder(flake).keep_roots(std::time::Duration::ZERO);
        builder.build().unwrap()
    };
    let living = builder(&flake("one"));
    living.build(&profile("x"), &Context::new()).await.unwrap();
    assert_eq!(roots(), 3);
    flake("two");
    living.build(&profile("x"), &Context::new()).await.unwrap();
    assert_eq!(roots(), 6);
    let next = builder(&flake("three"));
    next.build(&profile("x"), &Context::new()).await.unwrap();
    assert_eq!(roots(), 3);
}

#[tokio::test]
async fn a_log_has_what_another_build_that_goes_on_had_built_before() {
    let place = Place::new();
    let stage = place.path().join("stage").display().to_string();
    // Two profiles share a kernel. The first still builds when the second could be done.
    let waiting = place.path().join("waiting");
    let slow = format!(
        "busybox touch {stage}; until [ -e {} ]; do busybox sleep 0.1; done; {WITH_INIT}",
        waiting.display()
    );
    let kernel = "{ system = it.system // { build = it.system.build // { inherit kernel; }; }; }";
    let flake = place.flake(&format!(
        "let kernel = {}.system.build.kernel; in {{ nixosConfigurations = {{ netboot-slow.config = {}; netboot-quick.config = {}; }}; }}",
        least_configuration("shared", WITH_INIT, "{ }"),
        least_configuration("slow", &slow, kernel),
        least_configuration("quick", WITH_INIT, kernel),
    ));
    let builder = place.builder(&flake).build().unwrap();
    let (slow, quick) = (profile("slow"), profile("quick"));
    let waits =
        |event: &Event| matches!(event, Event::Log { line, .. } if line.contains("waiting"));
    let told = waiting.clone();
    // The first build ends when the second one says that it waits.
    let context = Context::new().with_events(move |event| {
        if waits(&event) {
            std::fs::write(&told, "").unwrap();
        }
    });
    let second = async {
        while !std::path::Path::new(&stage).exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        builder.build(&quick, &context).await
    };
    let nothing = Context::new();
    let (one, two) = tokio::join!(builder.build(&slow, &nothing), second);
    for image in [one.unwrap(), two.unwrap()] {
        let log = read(image.build_log().unwrap().local_path().unwrap());
        assert_eq!(log.matches("building linux-shared\n").count(), 1, "{log}");
    }
    assert!(waiting.exists(), "nobody was told of the waiting");
}

#[tokio::test]
async fn logs_that_no_build_uses_go_after_their_time_and_those_of_a_living_builder_stay() {
    let place = Place::new();
    let logs = place.path().join("state/logs");
    let flake = |name| {
        let configuration = least_configuration(name, WITH_INIT, "{ }");
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"))
    };
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let builder = |flake: &str| place.builder(flake).keep_logs(day).build().unwrap();
    let first = builder(&flake("one"));
    let image = first.build(&profile("x"), &Context::new()).await.unwrap();
    let log = image.build_log().unwrap().local_path().unwrap().to_owned();
    let all = || -> Vec<std::path::PathBuf> {
        let directories = [logs.clone(), logs.join("builds"), logs.join("derivations")];
        let entries = directories.iter().flat_map(|place| std::fs::read_dir(place).unwrap());
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
    };
    let of_first = all();
    assert_eq!(of_first.len(), 5, "{of_first:?}");
    let age = |path: &std::path::PathBuf| {
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::now() - 2 * day).unwrap();
    };
    of_first.iter().filter(|path| **path != log).for_each(age);
    let other = flake("two");
    first.build(&profile("x"), &Context::new()).await.unwrap();
    let of_second: Vec<_> = all().into_iter().filter(|path| !of_first.contains(path)).collect();
    assert_eq!(all().len() - of_second.len(), 1, "only the log of the image is left");
    assert!(log.exists() && of_second.len() == 5, "{of_second:?}");
    // After its builder was dropped, that log is removed too.
    drop(first);
    age(&log);
    builder(&other).build(&profile("x"), &Context::new()).await.unwrap();
    assert!(!log.exists());
}
