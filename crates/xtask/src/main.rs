//! The chores of this repository: `cargo xtask setup`, `demo`, `test`, `check-crates`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod cargo;
mod crates;
mod demo;
mod error;

use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use netboot_testbed::Testbed;

use crate::error::Error;

/// The chores of this repository. Each sets up whatever the machine lacks first.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Install missing Debian packages and bring the test kernel.
    ///
    /// Packages are installed with apt as root or by a sudo that asks for no password; otherwise
    /// they are named, with the command that installs them. The kernel and a static busybox go
    /// to target/testbed, and so do servers and other versions of Nix and iPXE, which the tests
    /// run without installing them; `NETBOOT_TESTBED` names another directory.
    Setup,

    /// Build three profiles with real Nix, publish them and boot one in QEMU.
    ///
    /// The images go to ./artifacts, the release to ./artifacts/pxe. Nix works in a store of its
    /// own in target/demo, so that nothing outside this work tree is touched.
    Demo,

    /// Run every test.
    ///
    /// The exit code is cargo's.
    Test {
        /// Arguments for `cargo test`, behind `--`, such as `-- -p netboot-nix some_test`.
        #[arg(last = true, value_name = "ARGUMENTS")]
        arguments: Vec<String>,
    },

    /// Check that the library's crates can be published.
    ///
    /// Each is packaged and compiled from its package; compiled with each feature alone, with none
    /// and with all; its dependencies are held to deny.toml; and it is compiled with the oldest
    /// Rust that it promises. What needs a tool that is not installed is named and left out. Takes
    /// minutes.
    CheckCrates,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Setup => set_up(Purpose::Tests).map(|_| ExitCode::SUCCESS),
        Chore::Demo => set_up(Purpose::Demo)
            .and_then(|testbed| demo::run(&testbed))
            .map(|()| ExitCode::SUCCESS),
        Chore::CheckCrates => crates::check(),
        Chore::Test { arguments } => set_up(Purpose::Tests).and_then(|_| cargo::test(&arguments)),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{}", error.report());
        ExitCode::FAILURE
    })
}

/// What the machine is set up for.
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
    println!("set-up: all is there ({:.1} s)", start.elapsed().as_secs_f32());
    Ok(testbed)
}
