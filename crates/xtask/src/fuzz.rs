//! Runs the fuzz targets of `fuzz/`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use netboot_testbed::{Testbed, workspace_directory};

use crate::cargo::{exit_code, succeeds};
use crate::error::Error;

/// The options of libFuzzer that a caller may override: a run ends after a minute, and an input
/// that takes 5 seconds or a gigabyte of memory is a finding.
const OPTIONS: [&str; 3] = ["-max_total_time=60", "-timeout=5", "-rss_limit_mb=1024"];

/// The names of all targets, in alphabetical order.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn targets() -> Result<Vec<String>, Error> {
    let path = directory().join("fuzz_targets");
    let read = |source| Error::Io { action: "read", path: path.clone(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(&path).map_err(read)? {
        let file = entry.map_err(read)?.path();
        names.extend(file.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Checks that a target exists, and that this machine can fuzz it.
///
/// # Errors
/// [`Error::NoFuzzTarget`], [`Error::NoNightly`], [`Error::Io`].
pub(crate) fn check(target: &str) -> Result<(), Error> {
    let targets = targets()?;
    if !targets.iter().any(|known| known == target) {
        return Err(Error::NoFuzzTarget { name: target.to_owned(), targets });
    }
    let mut version = nightly("rustc");
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    if succeeds(&mut version).unwrap_or(false) { Ok(()) } else { Err(Error::NoNightly) }
}

/// Fuzzes a target, starting from its seeds and from what earlier runs found.
///
/// # Errors
/// [`Error::Io`], [`Error::Start`].
pub(crate) fn run(
    testbed: &Testbed,
    target: &str,
    arguments: &[String],
) -> Result<ExitCode, Error> {
    let corpus = directory().join("corpus").join(target);
    fs::create_dir_all(&corpus).map_err(|source| Error::Io {
        action: "create",
        path: corpus.clone(),
        source,
    })?;
    let mut command = nightly(testbed.program("cargo-fuzz"));
    command.arg("run").arg("--fuzz-dir").arg(directory()).arg(target);
    command.arg(corpus).arg(directory().join("seeds").join(target));
    command.arg("--").args(OPTIONS).args(arguments).current_dir(directory());
    exit_code(&mut command)
}

/// A program that uses the nightly toolchain.
fn nightly(program: impl Into<PathBuf>) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly"]).arg(program.into());
    // The cargo that runs this program has set these to its own toolchain.
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}

fn directory() -> PathBuf {
    workspace_directory().join("fuzz")
}
