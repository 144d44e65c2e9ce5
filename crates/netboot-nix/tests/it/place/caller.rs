use std::process::{Child, Command, Stdio};
use std::time::Duration;

use netboot_core::{Builder, Context};
use netboot_nix::NixBuilder;

use super::{Place, profile};

/// Set where a test plays the caller that is killed: the flake, and where its state goes.
const CALLER: &str = "NETBOOT_TEST_CALLER";

/// Runs the test `name` again as a process of its own, which builds the flake at `reference` with
/// the programs of [`Place::nix_script`].
pub(crate) fn caller(name: &str, place: &Place, reference: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).envs(place.environment());
    command.env(CALLER, reference).env("NETBOOT_TEST_STATE", place.path().join("state"));
    command.env("NETBOOT_TEST_PROGRAMS", place.path().join("bin"));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// What such a process does: it builds the profile `x`.
pub(crate) async fn be_the_caller(grace: Duration) {
    let variable = |name: &str| std::env::var(name).unwrap();
    let builder = NixBuilder::builder(variable(CALLER))
        .state_directory(variable("NETBOOT_TEST_STATE"))
        .program_directory(variable("NETBOOT_TEST_PROGRAMS"))
        .grace(grace)
        .build()
        .unwrap();
    builder.build(&profile("x"), &Context::new()).await.unwrap();
}

/// Whether this is such a process.
pub(crate) fn is_the_caller() -> bool {
    std::env::var_os(CALLER).is_some()
}
