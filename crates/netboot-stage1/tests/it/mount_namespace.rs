//! Running a test again in a mount namespace of its own.

use std::process::Command;

use netboot_testbed::tool;

/// Tells the process that it runs inside.
const INSIDE: &str = "NETBOOT_TEST_INSIDE";

/// Returns true if the calling test runs as root in a mount namespace of its own. Otherwise it runs
/// the test there, by `sudo` if necessary, fails unless it passes, and returns false.
pub(crate) fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new(tool("env"))
    } else {
        // `sudo` keeps no variables of its caller.
        let mut command = Command::new(tool("sudo"));
        command.args(["--non-interactive", "env"]);
        let kept = |name| std::env::var(name).map(|value| format!("{name}={value}"));
        command.args(["NETBOOT_LONG_TESTS", "NETBOOT_TESTBED"].map(kept).into_iter().flatten());
        command
    };
    command.arg(format!("{INSIDE}=1")).arg(tool("unshare")).arg("--mount");
    command.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    false
}
