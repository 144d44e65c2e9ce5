//! Writes the files with which other servers boot machines from a published release: the
//! configuration of a DHCP server, or the files of matchbox or Pixiecore.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod dhcp;
mod interchange;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use netboot_core::Report;

/// Write the files with which other servers boot machines from a published release.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the configuration of a DHCP server.
    Dhcp(dhcp::Arguments),
    /// Write the data directory of matchbox.
    Matchbox(interchange::Matchbox),
    /// Write the answers that Pixiecore requests.
    Pixiecore(interchange::Pixiecore),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(report) => {
            eprintln!("{}", report.in_full());
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<String, Report> {
    match arguments.command {
        Command::Dhcp(arguments) => dhcp::export(arguments),
        Command::Matchbox(arguments) => arguments.export().await,
        Command::Pixiecore(arguments) => arguments.export().await,
    }
}
