//! The program of stage 1, as machines get it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::command::stdout;
use crate::failure::fail;
use crate::{Testbed, target_directory, workspace_directory};

const TARGET: &str = "x86_64-unknown-linux-gnu";
const PROFILE: &str = "stage1";
const PROGRAM: &str = "netboot-stage1";

/// Static, so that it runs in an initrd without libraries. Packed relocations and folding of equal
/// functions, which LLD does, make it 4 % smaller.
const FLAGS: &str = "-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs \
                     -C link-arg=-Wl,--icf=all";

/// The variables of cargo that would change the program.
const CHANGING: [&str; 4] =
    ["CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR", "CARGO_BUILD_RUSTFLAGS"];

impl Testbed {
    /// The static program of stage 1. Cargo builds it if its sources changed, which takes a minute
    /// the first time. It lies in a target directory of its own, which cargo locks.
    ///
    /// # Panics
    /// If it cannot be built.
    pub fn stage1_program() -> PathBuf {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        BUILT.get_or_init(build).clone()
    }
}

fn build() -> PathBuf {
    let directory = target_directory().join("stage1-program");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    cargo
        .args(["build", "--quiet", "--locked", "--package", PROGRAM, "--profile", PROFILE])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&directory)
        .current_dir(workspace_directory());
    let is_profile = |name: &OsString| name.to_string_lossy().starts_with("CARGO_PROFILE_");
    for name in env::vars_os().map(|(name, _)| name).filter(is_profile) {
        cargo.env_remove(name);
    }
    for name in CHANGING {
        cargo.env_remove(name);
    }
    if let Err(error) = stdout(cargo.env("RUSTFLAGS", FLAGS)) {
        fail(&format!("{PROGRAM} cannot be built: {error}"));
    }
    directory.join(TARGET).join(PROFILE).join(PROGRAM)
}
