//! Each cause of a failed build that Nix can be brought to has an error of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose set-up fails has failed")]

mod place;

use std::error::Error as _;

use netboot_core::{Builder, Context};
use netboot_nix::Error;
use place::{Place, WITH_INIT, least_configuration, profile, profiles, read};

/// A configuration whose kernel is built with these attributes over the usual ones.
fn with_kernel(attributes: &str) -> String {
    let kernel = format!(
        r#"derivation ({{ name = "odd"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo odd one; echo x > $out" ]; }} // {attributes})"#
    );
    let overrides = format!(
        "{{ system = it.system // {{ build = it.system.build // {{ kernel = {kernel}; }}; }}; }}"
    );
    least_configuration("x", WITH_INIT, &overrides)
}

fn inner(error: &netboot_core::Error) -> &Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    let inner = inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}"));
    assert!(inner.hint().is_some_and(|hint| !hint.is_empty()), "no remedy: {error}");
    inner
}

/// The error of building the kernel with `attributes`, with a line more of Nix's settings. Another
/// profile is built beside it.
async fn error_of(attributes: &str, setting: &str) -> (Error, Place) {
    let place = Place::new();
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-x.config = {}; netboot-good.config = {}; }}; }}",
        with_kernel(attributes),
        least_configuration("good", WITH_INIT, "{ }")
    ));
    let variables = place.nix.environment();
    let (_, settings) = variables.iter().find(|(name, _)| *name == "NIX_CONFIG").unwrap();
    let builder = place.builder(&flake).environment("NIX_CONFIG", format!("{settings}\n{setting}"));
    let builder = builder.build().unwrap();
    let results = builder.build_all(&profiles(&["x", "good"]), &Context::new()).await;
    assert!(results[1].is_ok(), "{:?}", results[1]);
    (inner(results[0].as_ref().unwrap_err()).clone(), place)
}

#[tokio::test]
async fn a_download_with_another_hash() {
    let hash = "0000000000000000000000000000000000000000000000000000";
    let attributes = format!(
        "{{ outputHash = \"{hash}\"; outputHashAlgo = \"sha256\"; outputHashMode = \"flat\"; }}"
    );
    let (error, _place) = error_of(&attributes, "").await;
    let Error::HashMismatch { message, build_log } = error else { panic!("{error:?}") };
    assert!(message.contains("got:"), "{message}");
    assert!(read(build_log).contains("odd one\n"));
}

#[tokio::test]
async fn a_build_that_takes_too_long() {
    let slow = r#"{ args = [ "-c" "echo odd one; exec /bin/sleep 600" ]; }"#;
    for setting in ["timeout = 1", "max-silent-time = 1"] {
        let (error, _place) = error_of(slow, setting).await;
        let Error::TimedOut { message, build_log } = error else { panic!("{error:?}") };
        assert!(message.contains("timed out"), "{message}");
        assert!(read(build_log).contains("odd one\n"));
    }
}

#[tokio::test]
async fn a_system_that_this_machine_is_not() {
    let (error, _place) = error_of(r#"{ system = "riscv64-linux"; }"#, "").await;
    let Error::NoBuilder { message } = error else { panic!("{error:?}") };
    assert!(message.contains("riscv64-linux"), "{message}");
}

#[tokio::test]
async fn a_builder_that_makes_nothing() {
    let (error, _place) = error_of(r#"{ args = [ "-c" "echo odd one" ]; }"#, "").await;
    let Error::BuildFailed { derivation, last_lines, .. } = error else { panic!("{error:?}") };
    assert!(derivation.ends_with("-odd.drv"), "{derivation}");
    assert_eq!(last_lines, ["odd one"]);
}

#[tokio::test]
async fn a_builder_that_is_killed() {
    let (error, _place) = error_of(r#"{ args = [ "-c" "echo odd one; kill -9 $$" ]; }"#, "").await;
    assert!(matches!(error, Error::BuildFailed { .. }), "{error:?}");
}

#[tokio::test]
async fn output_that_is_no_text() {
    let bytes = r#"{ args = [ "-c" "printf 'a\\303(b\\033[1mbold\\033[0m\\n'; exit 1" ]; }"#;
    let (error, _place) = error_of(bytes, "").await;
    let Error::BuildFailed { last_lines, build_log, .. } = error else { panic!("{error:?}") };
    assert_eq!(last_lines, ["a\u{fffd}(bbold"]);
    assert!(read(build_log).contains("a\u{fffd}(bbold\n"));
}

#[tokio::test]
async fn a_daemon_that_is_not_there() {
    let place = Place::new();
    let flake = place.flake("{ }");
    let builder = place.builder(&flake).environment("NIX_REMOTE", "daemon").build().unwrap();
    let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
    assert!(matches!(inner(&error), Error::DaemonUnreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn settings_that_nix_cannot_read() {
    let place = Place::new();
    let flake = place.flake("{ }");
    let builder = place.builder(&flake).environment("NIX_CONFIG", "garbage").build().unwrap();
    let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
    let Error::CommandFailed { last_lines, program, .. } = inner(&error) else {
        panic!("{error:?}")
    };
    assert_eq!(program, "nix");
    assert!(last_lines.iter().any(|line| line.contains("garbage")), "{last_lines:?}");
}

#[tokio::test]
async fn a_state_directory_that_cannot_be() {
    let place = Place::new();
    let flake = place.flake(&format!(
        "{{ nixosConfigurations.netboot-x.config = {}; }}",
        least_configuration("x", WITH_INIT, "{ }")
    ));
    let file = place.path().join("file");
    std::fs::write(&file, "").unwrap();
    let builder = place.builder(&flake).state_directory(file.join("state")).build().unwrap();
    let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
    let Error::Io { path, .. } = inner(&error) else { panic!("{error:?}") };
    assert!(path.starts_with(file), "{}", path.display());
}
