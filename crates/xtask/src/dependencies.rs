//! Checks the dependencies against `deny.toml`.

use std::process::{Command, Stdio};

use netboot_testbed::{Testbed, workspace_directory};

use crate::cargo::succeeds;
use crate::error::Error;

/// The seconds in which git has to fetch the database of advisories.
const FETCH_SECONDS: &str = "60";

/// Runs cargo-deny, and returns true if no check failed. If the database of advisories cannot be
/// reached, it says so and leaves that check out.
///
/// # Errors
/// [`Error::Start`] if cargo-deny cannot be started.
pub(crate) fn check(testbed: &Testbed) -> Result<bool, Error> {
    let program = testbed.program("cargo-deny");
    let check = |checks: &[&str]| {
        println!("\n== dependencies: cargo deny check {}", checks.join(" "));
        let mut command = Command::new(&program);
        succeeds(command.arg("check").args(checks).current_dir(workspace_directory()))
    };
    let passed = check(&["bans", "licenses", "sources"])?;
    let mut fetch = Command::new("timeout");
    fetch.arg(FETCH_SECONDS).arg(&program).args(["fetch", "db"]).env("GIT_TERMINAL_PROMPT", "0");
    fetch.current_dir(workspace_directory()).stdout(Stdio::null()).stderr(Stdio::null());
    if succeeds(&mut fetch)? {
        return Ok(check(&["advisories"])? && passed);
    }
    println!("\nnot checked: advisories, because RustSec's database of them cannot be reached");
    Ok(passed)
}
