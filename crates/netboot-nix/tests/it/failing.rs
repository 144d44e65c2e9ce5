//! Failed builds: each error names its cause and has a hint, and the other profiles are built.

use std::error::Error as _;

use netboot_core::{Builder, Context};
use netboot_nix::Error;

use crate::place;
use crate::place::{Place, configuration, profile, profiles, read};

/// This crate's error inside the core's error. It has a hint.
fn inner(error: &netboot_core::Error) -> &Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    let inner = inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}"));
    assert!(inner.hint().is_some_and(|hint| !hint.is_empty()), "no hint: {error}");
    assert_eq!(inner.hint(), error.hint());
    inner
}

const FORTY_LINES: &str =
    "i=1; while [ $i -le 40 ]; do echo line $i of 40; i=$((i+1)); done; echo no >&2; exit 3";

#[tokio::test]
async fn a_builder_that_fails_leaves_its_log_and_the_other_profiles() {
    let place = Place::new();
    let flake = place.test_flake();
    // The test flake with an additional profile, which does not build.
    let directory = place.path().join("flake");
    std::fs::rename(directory.join("flake.nix"), directory.join("good.nix")).unwrap();
    let broken = configuration("broken", FORTY_LINES);
    let text = format!(
        "{{ outputs = {{ self }}: let good = (import ./good.nix).outputs {{ inherit self; }}; in {{ nixosConfigurations = good.nixosConfigurations // {{ netboot-broken.config = {broken}; }}; }}; }}"
    );
    std::fs::write(directory.join("flake.nix"), text).unwrap();

    let builder = place.builder(&flake).build().unwrap();
    let results = builder.build_all(&profiles(&["broken", "worker"]), &Context::new()).await;
    let [broken, worker] = <[_; 2]>::try_from(results).unwrap();
    assert_eq!(worker.unwrap().profile().as_str(), "worker");

    let error = broken.unwrap_err();
    let Error::BuildFailed { derivation, last_lines, build_log, .. } = inner(&error) else {
        panic!("{error:?}")
    };
    assert!(derivation.ends_with("-broken.drv"), "{derivation}");
    assert_eq!(last_lines.len(), 20);
    assert_eq!(last_lines.last().unwrap(), "no");
    let log = read(build_log);
    for line in 1..=40 {
        assert!(log.contains(&format!("line {line} of 40\n")), "line {line} is not in:\n{log}");
    }
}

#[tokio::test]
async fn a_configuration_that_throws_says_why_and_leaves_the_others() {
    let place = Place::new();
    let fails = configuration("x", "exit 1");
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-thrower.config = throw \"set an SSH key first\"; netboot-other.config = {fails}; }}; }}"
    ));
    let builder = place.builder(&flake).build().unwrap();
    let results = builder.build_all(&profiles(&["thrower", "other"]), &Context::new()).await;
    let errors: Vec<_> = results.into_iter().map(Result::unwrap_err).collect();
    let Error::Evaluation { attribute, message, .. } = inner(&errors[0]) else {
        panic!("{errors:?}")
    };
    assert_eq!(attribute, "nixosConfigurations.netboot-thrower");
    assert!(message.contains("set an SSH key first"), "{message}");
    assert!(matches!(inner(&errors[1]), Error::BuildFailed { .. }), "{:?}", errors[1]);
}

#[tokio::test]
async fn an_error_that_nix_cannot_catch_sinks_only_its_own_profile() {
    let place = Place::new();
    let fails = configuration("x", "exit 1");
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-typo.config.system.build.kernel = (1).x; netboot-other.config = {fails}; }}; }}"
    ));
    let builder = place.builder(&flake).build().unwrap();
    let results = builder.build_all(&profiles(&["typo", "other"]), &Context::new()).await;
    let errors: Vec<_> = results.into_iter().map(Result::unwrap_err).collect();
    assert!(matches!(inner(&errors[0]), Error::Evaluation { .. }), "{:?}", errors[0]);
    assert!(matches!(inner(&errors[1]), Error::BuildFailed { .. }), "{:?}", errors[1]);
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_there_is() {
    let place = Place::new();
    let flake = place.flake("{ nixosConfigurations.netboot-bare.config.boot.kernelParams = [ ]; }");
    let builder = place.builder(&flake).build().unwrap();
    let results = builder.build_all(&profiles(&["bare", "absent"]), &Context::new()).await;
    let errors: Vec<_> = results.into_iter().map(Result::unwrap_err).collect();
    let Error::AttributeMissing { attribute, .. } = inner(&errors[0]) else { panic!("{errors:?}") };
    assert_eq!(attribute, "nixosConfigurations.netboot-bare.config.system.build.kernel");
    let Error::AttributeMissing { attribute, available } = inner(&errors[1]) else {
        panic!("{errors:?}")
    };
    assert_eq!(attribute, "nixosConfigurations.netboot-absent");
    assert_eq!(available, &["netboot-bare"]);

    let flake = place.flake("{ }");
    let builder = place.builder(&flake).build().unwrap();
    let error = builder.build(&profile("worker"), &Context::new()).await.unwrap_err();
    assert!(matches!(inner(&error), Error::AttributeMissing { .. }), "{error:?}");
}

#[tokio::test]
async fn a_configuration_name_that_cannot_be_is_missing_and_sinks_no_other() {
    let place = Place::new();
    let flake = place.flake(&format!(
        "{{ nixosConfigurations.y.config = {}; }}",
        place::least_configuration("y", place::WITH_INIT, "{ }")
    ));
    let name = |profile: &dyn netboot_core::Profile| match profile.name().as_str() {
        "x" => "\0".to_owned(),
        other => other.to_owned(),
    };
    let builder = place.builder(&flake).configuration(name).build().unwrap();
    let results = builder.build_all(&profiles(&["x", "y"]), &Context::new()).await;
    let error = inner(results[0].as_ref().unwrap_err());
    assert!(matches!(error, Error::AttributeMissing { .. }), "{error:?}");
    assert!(results[1].is_ok(), "{:?}", results[1]);
}

#[tokio::test]
async fn configuration_names_are_never_code() {
    let place = Place::new();
    let fails = configuration("x", "exit 1");
    // The Nix string `a"b${throw "c"}\d''e`.
    let flake = place.flake(&format!(
        r#"{{ nixosConfigurations."a\"b\${{throw \"c\"}}\\d''e".config = {fails}; }}"#
    ));
    let hostile = r#"a"b${throw "c"}\d''e"#;
    let builder = place.builder(&flake).configuration(move |_| hostile.to_owned()).build().unwrap();
    let error = builder.build(&profile("worker"), &Context::new()).await.unwrap_err();
    assert!(matches!(inner(&error), Error::BuildFailed { .. }), "{error:?}");
}

#[tokio::test]
async fn an_initrd_without_its_init_is_refused() {
    let place = Place::new();
    let flake = place.test_flake();
    // Every profile has the worker's initrd and its own toplevel.
    let directory = place.path().join("flake");
    std::fs::rename(directory.join("flake.nix"), directory.join("good.nix")).unwrap();
    let text = "{ outputs = { self }: let good = ((import ./good.nix).outputs { inherit self; }).nixosConfigurations; \
        worker = good.netboot-worker.config; in { nixosConfigurations.netboot-all-in-one.config = \
        good.netboot-all-in-one.config // { system = good.netboot-all-in-one.config.system // { build = \
        good.netboot-all-in-one.config.system.build // { inherit (worker.system.build) netbootRamdisk; }; }; }; }; }";
    std::fs::write(directory.join("flake.nix"), text).unwrap();
    let builder = place.builder(&flake).build().unwrap();
    let error = builder.build(&profile("all-in-one"), &Context::new()).await.unwrap_err();
    let Error::InitrdOutOfStep { init, .. } = inner(&error) else { panic!("{error:?}") };
    assert!(init.ends_with("/init"), "{init}");
}

#[tokio::test]
async fn an_architecture_that_does_not_fit_is_refused() {
    let place = Place::new();
    let builder = place.builder(&place.test_flake()).build().unwrap();
    let arm = profile("worker").with_architecture(netboot_core::Architecture::Aarch64);
    let error = builder.build(&arm, &Context::new()).await.unwrap_err();
    assert!(matches!(inner(&error), Error::ArchitectureMismatch { .. }), "{error:?}");
}

#[tokio::test]
async fn a_profile_that_is_asked_for_twice_is_built_once() {
    let place = Place::new();
    let builder = place.builder(&place.test_flake()).build().unwrap();
    let results = builder.build_all(&profiles(&["worker", "worker"]), &Context::new()).await;
    assert!(results[0].is_ok());
    let error = results[1].as_ref().unwrap_err();
    assert!(matches!(inner(error), Error::DuplicateProfile), "{error:?}");
    let names = profiles(&["worker", "all-in-one"]);
    for result in builder.check(&names, &Context::new()).await {
        result.unwrap();
    }
}

#[test]
fn references_that_are_none_are_refused() {
    for reference in ["", "--impure", "-x", "path:/x^out", "git+ssh://a b", "a\nb"] {
        let error = netboot_nix::NixBuilder::options(reference).build().unwrap_err();
        assert!(matches!(error, Error::InvalidText { .. }), "{reference:?}: {error:?}");
        assert!(error.hint().unwrap().contains("git+ssh"), "{error}");
    }
    for reference in ["github:a/b", "git+ssh://git@example.org/x"] {
        netboot_nix::NixBuilder::options(reference).build().unwrap();
    }
    for reference in ["./nowhere", "/nowhere", "path:/nowhere"] {
        let error = netboot_nix::NixBuilder::options(reference).build().unwrap_err();
        assert!(matches!(error, Error::FlakeNotFound { .. }), "{reference:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_failure_of_an_unknown_kind_can_be_seen_by_hand() {
    let place = Place::new();
    let flake = place.flake("{ }");
    place.nix_script("nix", "echo the moon is full >&2; exit 9");
    let builder = place.builder_with_programs(&flake).build().unwrap();
    let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
    let Error::CommandFailed { program, arguments, .. } = inner(&error) else {
        panic!("{error:?}")
    };
    assert_eq!(
        error.hint(),
        Some(format!("run `{program}` by hand with these arguments to see more"))
    );
    let by_hand = place.path().join("bin").join(program);
    let printed = std::process::Command::new(by_hand).args(arguments).output().unwrap();
    assert!(String::from_utf8_lossy(&printed.stderr).contains("the moon is full"), "{printed:?}");
}

#[tokio::test]
async fn a_secret_is_shown_nowhere() {
    let place = Place::new();
    let configuration = configuration("leaky", "echo token is hunter2; exit 1");
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let builder = place.builder(&flake).secret("hunter2").build().unwrap();
    let (context, events) = place::recording();
    let error = builder.build(&profile("x"), &context).await.unwrap_err();
    let Error::BuildFailed { build_log, last_lines, .. } = inner(&error) else {
        panic!("{error:?}")
    };
    assert_eq!(last_lines, &["token is ***"]);
    let shown =
        format!("{error:?} {error} {:?} {builder:?} {}", events.lock().unwrap(), read(build_log));
    assert!(shown.contains("token is ***") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn options_that_cannot_be_used_are_named_without_their_values() {
    let place = Place::new();
    let flake = place.flake("{ }");
    let builder = || place.builder(&flake);
    for builder in [
        builder().environment("", "hunter2"),
        builder().environment("A=B", "hunter2"),
        builder().environment("A", "hunter2\0"),
        builder().program_directory(place.path().join("nowhere")),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::InvalidOption { .. }), "{error:?}");
        assert!(error.hint().is_some() && !format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    builder().environment("A", "hunter2").build().unwrap();
}
