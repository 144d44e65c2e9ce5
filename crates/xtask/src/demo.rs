//! The demo: from a flake to a machine that boots.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use netboot_testbed::{HermeticNix, TestFlake, Testbed, target_directory, workspace_directory};
use walkdir::WalkDir;

use crate::cargo;
use crate::error::Error;

/// The profile that the demo boots.
const PROFILE: &str = "control-plane";

/// Builds the test flake's three profiles, publishes them, and boots one.
pub(crate) fn run(testbed: &Testbed) -> Result<(), Error> {
    let programs = cargo::build_programs()?;
    let start = Instant::now();
    let directory = target_directory().join("demo");

    let flake_directory = directory.join("flake");
    remove(&flake_directory)?;
    let flake = TestFlake::new(testbed, "demo").write(&flake_directory)?;
    println!("\nThe test flake is in {}.", flake_directory.display());

    println!("\nBuilding its three profiles with Nix and publishing them as a release:");
    // Nix refuses a store below a symbolic link.
    let nix_directory = directory.canonicalize().map_err(|source| Error::Io {
        action: "find",
        path: directory.clone(),
        source,
    })?;
    let nix_directory = nix_directory.join("nix");
    let nix = HermeticNix::at(&nix_directory);
    let mut build = Command::new(programs.join("netboot"));
    build.args(["build", "--flake", &flake]);
    build.args(["--output-dir", "./artifacts", "--to", "./artifacts/pxe"]);
    build.envs(nix.environment());
    let outcome = run_step("building the images", &mut build);
    make_removable(&nix_directory);
    outcome?;
    let publish_time = start.elapsed();

    println!("\nBooting {PROFILE} in QEMU from the published directory:");
    let mut boot = Command::new(programs.join("netboot"));
    boot.args(["boot", "./artifacts/pxe", "--profile", PROFILE]);
    boot.args(["--expect", &format!("NETBOOT-READY {PROFILE}")]);
    run_step("booting the virtual machine", &mut boot)?;

    println!(
        "\nDone in {:.0} s: built and published after {:.0} s, then booted.\n\
         images:  ./artifacts/<profile>/{{bzImage,initrd,netboot.ipxe,build.log}}\n\
         release: ./artifacts/pxe; any web server can serve it to booting machines\n\
         again:   cargo run -p netboot-cli -- boot ./artifacts/pxe --profile worker",
        start.elapsed().as_secs_f32(),
        publish_time.as_secs_f32(),
    );
    Ok(())
}

/// Runs a program in the root of the work tree, with its output on this terminal.
fn run_step(step: &'static str, command: &mut Command) -> Result<(), Error> {
    let status = command
        .current_dir(workspace_directory())
        .status()
        .map_err(|source| Error::Start { program: command.get_program().into(), source })?;
    if status.success() { Ok(()) } else { Err(Error::Failed { step, status }) }
}

/// Lets an ordinary user remove a Nix store with `cargo clean`: Nix makes its directories
/// read-only.
fn make_removable(directory: &Path) {
    let directories = WalkDir::new(directory)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_dir());
    for entry in directories {
        // A directory that cannot be changed belongs to somebody else, which is not an error here.
        if let Ok(metadata) = entry.metadata() {
            let mode = metadata.permissions().mode() | 0o700;
            let _ = fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode));
        }
    }
}

/// Removes a directory if it exists.
fn remove(directory: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(directory) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(Error::Io { action: "remove", path: directory.to_owned(), source })
        }
        _ => Ok(()),
    }
}
