//! The command line.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use netboot_core::Report;

use crate::answer::Answer;
use crate::commands::{activate, completions, list, rollback};
use crate::session::Session;

/// Build NixOS netboot images, publish them, and boot them.
#[derive(Debug, Parser)]
#[command(name = "netboot", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: GlobalOptions,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options that all commands have.
#[derive(Debug, Clone, Args)]
pub(crate) struct GlobalOptions {
    /// The configuration file. The default is netboot.toml in the working directory, if it exists.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Print one JSON object on standard output, also for a failure.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Show what child processes print.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the releases of a target.
    List(list::Arguments),
    /// Make a staged release live.
    Activate(activate::Arguments),
    /// Go back to the release that was live before, or to another one.
    Rollback(rollback::Arguments),
    /// Print a script that completes the commands in a shell.
    Completions(completions::Arguments),
}

impl Command {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        match self {
            Self::List(arguments) => arguments.run(session).await,
            Self::Activate(arguments) => arguments.run(session).await,
            Self::Rollback(arguments) => arguments.run(session).await,
            Self::Completions(arguments) => Ok(arguments.run()),
        }
    }
}

/// Describes the command line, for completions and man pages.
pub fn command() -> clap::Command {
    Arguments::command()
}
