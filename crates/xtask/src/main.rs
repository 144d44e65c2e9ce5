//! The chores of this repository: `cargo xtask --help` lists them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod cargo;
mod crates;
mod demo;
mod dependencies;
mod docs;
mod error;
mod executables;
mod fuzz;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use netboot_testbed::{TestFlake, Testbed};

use crate::error::Error;

/// The chores of this repository. Each first installs what the machine lacks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Install missing Debian packages, and fetch the test kernel.
    ///
    /// Installs packages with apt, as root or with a sudo that needs no password. Otherwise it
    /// prints the packages and the command that installs them. The kernel and a static busybox are
    /// stored in target/testbed, with the servers and the other versions of Nix and iPXE that tests
    /// run without installing them. `NETBOOT_TESTBED` names another directory.
    Setup,

    /// Build three profiles with real Nix, publish them, and boot one in QEMU.
    ///
    /// Writes the images to ./artifacts and the release to ./artifacts/pxe. Nix uses its own store
    /// in target/demo, so nothing outside this work tree changes.
    Demo,

    /// Write the test flake: three configurations that Nix builds in seconds, without nixpkgs.
    ///
    /// Its machines boot, start the services of their profile, and report on the console. The line
    /// in the file `generation` is printed at boot.
    Flake {
        /// The directory, which is created.
        directory: PathBuf,
    },

    /// Run all tests, in as many executables side by side as there are cores.
    ///
    /// You see the output of an executable when it has ended. If the arguments select tests, cargo
    /// runs them. The exit code is that of cargo.
    Test {
        /// Arguments for `cargo test`, after `--`, such as `-- -p netboot-nix some_test`.
        #[arg(last = true, value_name = "ARGUMENTS")]
        arguments: Vec<String>,
    },

    /// Check all that a change has to pass: tests, formatting, lints, dependencies, documentation.
    ///
    /// The lints and the rest are checked beside the tests, and a failure does not end the run.
    Check,

    /// Check that the library's crates can be published.
    ///
    /// Packages each crate and compiles it from its package, with each feature alone, with no
    /// features and with all, and compiles with the oldest supported Rust. Names the tools that are
    /// missing, and skips their checks. Also does what check-dependencies does. Takes minutes.
    CheckCrates,

    /// Check the dependencies against deny.toml: licences, sources, duplicates, advisories.
    ///
    /// Says so if the database of advisories cannot be reached, and skips that check.
    CheckDependencies,

    /// Build the documentation of the crates, and the book.
    ///
    /// A warning is an error. The book comes to target/book. mdBook is downloaded once, into
    /// target/mdbook-VERSION.
    Docs,

    /// Feed a parser with random changes of real samples, and report what makes it panic or hang.
    ///
    /// Needs Rust's nightly toolchain and a C++ compiler. The run ends after a minute, or at the
    /// first finding, whose input it stores below fuzz/artifacts. Inputs that reach new code are
    /// kept in fuzz/corpus for the next run.
    Fuzz {
        /// The target.
        #[arg(required_unless_present = "list")]
        name: Option<String>,

        /// Print the names of all targets.
        #[arg(long)]
        list: bool,

        /// Options of libFuzzer, after `--`, such as `-- -max_total_time=600 -max_len=65536`.
        #[arg(last = true, value_name = "OPTIONS")]
        options: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Setup => set_up(Purpose::Tests).map(|_| ExitCode::SUCCESS),
        Chore::Demo => set_up(Purpose::Demo)
            .and_then(|testbed| demo::run(&testbed))
            .map(|()| ExitCode::SUCCESS),
        Chore::Flake { directory } => set_up(Purpose::Demo)
            .and_then(|testbed| flake(&testbed, &directory))
            .map(|()| ExitCode::SUCCESS),
        Chore::Check => set_up(Purpose::Tests).and_then(|_| test::check()),
        Chore::CheckCrates => set_up(Purpose::Tests).and_then(|testbed| crates::check(&testbed)),
        Chore::CheckDependencies => {
            set_up(Purpose::Tests).and_then(|testbed| dependencies::check(&testbed)).map(exit_code)
        }
        Chore::Docs => set_up(Purpose::Tests)
            .and_then(|testbed| docs::build(&testbed))
            .map(|()| ExitCode::SUCCESS),
        Chore::Fuzz { name: Some(name), list: false, options } => fuzz::check(&name)
            .and_then(|()| set_up(Purpose::Tests))
            .and_then(|testbed| fuzz::run(&testbed, &name, &options)),
        Chore::Fuzz { .. } => fuzz::targets().map(|names| {
            println!("{}", names.join("\n"));
            ExitCode::SUCCESS
        }),
        Chore::Test { arguments } => set_up(Purpose::Tests).and_then(|_| test::run(&arguments)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{}", error.report());
        ExitCode::FAILURE
    })
}

/// Writes the test flake, and prints its reference.
fn flake(testbed: &Testbed, directory: &Path) -> Result<(), Error> {
    println!("{}", TestFlake::new(testbed, "first").write(directory)?);
    Ok(())
}

fn exit_code(succeeded: bool) -> ExitCode {
    if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The work for which the machine is set up.
#[derive(Clone, Copy)]
enum Purpose {
    Demo,
    Tests,
}

fn set_up(purpose: Purpose) -> Result<Testbed, Error> {
    let start = Instant::now();
    let report = |step: &str| println!("set-up: {step}");
    let testbed = match purpose {
        Purpose::Demo => netboot_testbed::set_up(report)?,
        Purpose::Tests => netboot_testbed::set_up_tests(report)?,
    };
    for change in netboot_testbed::version_changes(&testbed)? {
        println!("set-up: another version of a Debian package: {change}");
    }
    println!("set-up: complete ({:.1} s)", start.elapsed().as_secs_f32());
    Ok(testbed)
}
