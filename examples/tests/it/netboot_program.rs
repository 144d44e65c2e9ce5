//! The program `netboot`, for tests of what the examples and the documents do with it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program `netboot`, which cargo builds first: a package knows only its own programs.
pub(crate) fn netboot() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        // With these arguments, cargo gives each dependency the features that it has in a run of
        // all tests, and so compiles nothing again. There are no examples in cargo's sense, but
        // their features come from the dependencies of tests.
        build.args(["build", "--quiet", "--locked", "--workspace", "--all-features"]);
        build.args(["--bin", "netboot", "--examples"]);
        let output = build.current_dir(netboot_testbed::workspace_directory()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Path::new(env!("CARGO_BIN_EXE_embed")).with_file_name("netboot")
    };
    BUILT.get_or_init(build).clone()
}
