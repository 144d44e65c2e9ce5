//! Flakes that fail, and their errors.

use std::error::Error as _;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use netboot_core::{Builder, Context, Event, Profile};
use netboot_nix::{Error, NixBuilderOptions};

use crate::place::{
    NixVersion, Place, WITH_INIT, least_configuration, profile, profiles, recording,
};

/// The discard port, on which no server listens.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

/// This crate's error inside the core's error. It has a hint.
pub(crate) fn inner(error: &netboot_core::Error) -> Error {
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    let inner = inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}"));
    assert!(inner.hint().is_some_and(|hint| !hint.is_empty()), "no hint: {error:?}");
    assert_eq!(inner.hint(), error.hint());
    if let Some(log) = inner.build_log() {
        assert!(log.is_file(), "no log at {}", log.display());
    }
    inner.clone()
}

/// The error of the build of profile `x`.
pub(crate) async fn error_of(builder: NixBuilderOptions) -> Error {
    inner(&builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap_err())
}

/// The warnings of the build of profile `x`, which succeeds.
pub(crate) async fn warnings_of(builder: NixBuilderOptions) -> Vec<(String, String)> {
    let (context, events) = recording();
    builder.build().unwrap().build(&profile("x"), &context).await.unwrap();
    let events = events.lock().unwrap();
    let warning = |event: &Event| match event {
        Event::Warning { message, hint, .. } => Some((message.clone(), hint.clone()?)),
        _ => None,
    };
    events.iter().filter_map(warning).collect()
}

/// A configuration with a kernel that has these attributes over the usual ones.
pub(crate) fn with_kernel(attributes: &str) -> String {
    let kernel = format!(
        r#"derivation ({{ name = "odd"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo odd one; echo x > $out" ]; }} // {attributes})"#
    );
    let overrides = format!(
        "{{ system = it.system // {{ build = it.system.build // {{ kernel = {kernel}; }}; }}; }}"
    );
    least_configuration("x", WITH_INIT, &overrides)
}

/// A flake with the configuration `netboot-x`.
pub(crate) fn flake(place: &Place, configuration: &str) -> String {
    place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"))
}

/// The error of the build of `x`, with these attributes of the kernel and these lines in nix.conf.
/// Another profile is built at the same time.
pub(crate) async fn error_of_kernel(
    nix: NixVersion,
    attributes: &str,
    settings: &str,
) -> (Error, Place) {
    let (error, place) = core_error_of_kernel(nix, attributes, settings).await;
    (inner(&error), place)
}

/// Asserts that the kernel with these attributes is built, although it is no kernel of Linux.
pub(crate) async fn kernel_is_built(nix: NixVersion, attributes: &str, settings: &str) {
    let (error, _place) = core_error_of_kernel(nix, attributes, settings).await;
    assert!(format!("{error:?}").contains("NotAKernel"), "{error:?}");
}

async fn core_error_of_kernel(
    nix: NixVersion,
    attributes: &str,
    settings: &str,
) -> (netboot_core::Error, Place) {
    let place = Place::of(nix);
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-x.config = {}; netboot-good.config = {}; }}; }}",
        with_kernel(attributes),
        least_configuration("good", WITH_INIT, "{ }")
    ));
    let builder = place.builder(&flake).environment("NIX_CONFIG", place.settings(settings));
    let names = profiles(&["x", "good"]);
    let mut results = builder.build().unwrap().build_all(&names, &Context::new()).await;
    assert!(results[1].is_ok(), "{:?}", results[1]);
    (results.swap_remove(0).unwrap_err(), place)
}

/// The error of the evaluation of `x`, with this Nix code as its configuration. Another profile is
/// evaluated at the same time and fails only in its build.
pub(crate) async fn error_of_code(nix: NixVersion, code: &str) -> (Error, Place) {
    let place = Place::of(nix);
    let other = crate::place::configuration("other", "exit 1");
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-x.config.boot.kernelParams = {code}; netboot-other.config = {other}; }}; }}"
    ));
    let builder = place.builder(&flake).build().unwrap();
    let results = builder.build_all(&profiles(&["x", "other"]), &Context::new()).await;
    let other = inner(results[1].as_ref().unwrap_err());
    assert!(matches!(other, Error::BuildFailed { .. }), "{other:?}");
    (inner(results[0].as_ref().unwrap_err()), place)
}

/// Runs git in a directory.
pub(crate) fn git(directory: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
    let mut command = Command::new("git");
    command.args(identity).args(["-c", "commit.gpgsign=false", "-C"]).arg(directory);
    assert!(command.args(arguments).status().unwrap().success(), "git {arguments:?}");
}

/// A committed flake with these outputs, in a git repository.
pub(crate) fn repository(place: &Place, outputs: &str) -> PathBuf {
    place.flake(outputs);
    let directory = place.path().join("own");
    git(&directory, &["init", "-q", "-b", "main"]);
    git(&directory, &["add", "flake.nix"]);
    git(&directory, &["commit", "-q", "-m", "x"]);
    directory
}

/// Follows the hint of an error: runs its command that begins with `git`, with these words replaced.
pub(crate) fn follow(place: &Place, error: &Error, replaced: &[(&str, &str)]) -> String {
    let hint = error.hint().unwrap();
    let quoted = hint.split('`').skip(1).step_by(2);
    let command = quoted.into_iter().find(|text| text.starts_with("git ")).unwrap();
    let command = replaced.iter().fold(command.to_owned(), |text, (a, b)| text.replace(a, b));
    std::fs::create_dir_all(&place.environment()["HOME"]).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &command]).current_dir("/").envs(place.environment());
    let output = shell.output().unwrap();
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command}: {printed}");
    printed
}

/// Builds profile `x`, now that a hint was followed.
pub(crate) async fn builds(builder: NixBuilderOptions) {
    builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap();
}

/// Asserts that the configuration of profile `x` can be evaluated.
pub(crate) async fn assert_evaluated(builder: NixBuilderOptions) {
    let profile = Arc::new(profile("x")) as Arc<dyn Profile>;
    let results = builder.build().unwrap().check(&[profile], &Context::new()).await;
    assert!(results[0].is_ok(), "{results:?}");
}
