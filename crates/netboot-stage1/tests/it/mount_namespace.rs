//! Running a test again in a mount namespace of its own.

use std::process::Command;

use netboot_testbed::tool;

/// Tells the process that it runs inside.
const INSIDE: &str = "NETBOOT_TEST_INSIDE";

/// Returns true if the calling test runs in a mount namespace of its own. Otherwise it runs the
/// test there, fails unless it passes, and returns false. The test needs to be root.
pub(crate) fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    assert!(rustix::process::geteuid().is_root(), "run this test as root: it mounts file systems");
    let mut command = Command::new(tool("unshare"));
    command.arg("--mount").arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    false
}
