//! A process that plays a caller and is killed.

use std::process::{Child, Stdio};
use std::time::Duration;

use netboot_core::{Builder, Context};
use netboot_nix::NixBuilder;
use netboot_testbed::TestProcess;

use super::{Place, profile};

/// These variables are set in a process that plays the killed caller: the flake and the state
/// directory.
const CALLER: &str = "NETBOOT_TEST_CALLER";

/// Starts the test `name` again as a separate process, which builds the flake `reference` with the
/// scripts of [`Place::nix_script`].
pub(crate) fn caller(name: &str, place: &Place, reference: &str) -> Child {
    let secrets = ["DEPLOYER_TOKEN", "AWS_SECRET_ACCESS_KEY", "NETBOOT_KEY_PASSWORD"];
    let process = TestProcess::new(name)
        .envs(place.environment())
        .env(CALLER, reference)
        .env("NETBOOT_TEST_STATE", place.path().join("state"))
        .env("NETBOOT_TEST_PROGRAMS", place.path().join("bin"))
        .envs(secrets.map(|name| (name, "a-secret-of-tests")));
    process.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The work of such a process: it builds profile `x`.
pub(crate) async fn be_the_caller(grace: Duration) {
    let variable = |name: &str| std::env::var(name).unwrap();
    let builder = NixBuilder::options(variable(CALLER))
        .state_directory(variable("NETBOOT_TEST_STATE"))
        .program_directory(variable("NETBOOT_TEST_PROGRAMS"))
        .grace(grace)
        .build()
        .unwrap();
    builder.build(&profile("x"), &Context::new()).await.unwrap();
}

/// Returns true in such a process.
pub(crate) fn is_the_caller() -> bool {
    std::env::var_os(CALLER).is_some()
}
