//! The command line.

use clap::{CommandFactory, Parser, Subcommand};
use netboot_core::Report;

use crate::answer::Answer;
use crate::commands::{
    activate, boot, build, completions, countersign, diff, export, fleet, lint, list, man, prune,
    publish, refresh, repair, rollback, secure_boot, serve, size, verify,
};
use crate::global_options::GlobalOptions;
use crate::help;
use crate::session::Session;

/// Build NixOS netboot images, publish them, and boot them.
#[derive(Debug, Parser)]
#[command(name = "netboot", version, propagate_version = true, after_long_help = help::AFTER)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) options: GlobalOptions,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Build(build::Arguments),
    Publish(publish::Arguments),
    Fleet(fleet::Arguments),
    /// List the releases of a target.
    List(list::Arguments),
    /// Tell what changed between two releases: packages, versions and sizes.
    Diff(diff::Arguments),
    /// Make a staged release live.
    Activate(activate::Arguments),
    /// Go back to the release that was live before, or to another one.
    Rollback(rollback::Arguments),
    /// Delete releases that are no longer needed, and the files that only they use.
    Prune(prune::Arguments),
    /// Compare a target, or the URL that serves it, with what it should have.
    Verify(verify::Arguments),
    /// Replace damaged files of a target by those of another target.
    Repair(repair::Arguments),
    /// Add a signature to a staged release that a trusted key signed already.
    Countersign(countersign::Arguments),
    /// Sign the live pointer again, for example to give it a new best-before date.
    Refresh(refresh::Arguments),
    /// Boot an image in QEMU, and report how far it came.
    Boot(boot::Arguments),
    /// Serve a target to machines over HTTP, from any kind of place.
    Serve(serve::Arguments),
    /// Show what makes an image large.
    Size(size::Arguments),
    /// Find mistakes in iPXE scripts.
    Lint(lint::Arguments),
    /// Write the files with which other servers boot machines from a target.
    Export(export::Arguments),
    SecureBoot(secure_boot::Arguments),
    /// Print a script that completes the commands in a shell.
    Completions(completions::Arguments),
    /// Write the manual pages.
    Man(man::Arguments),
}

impl Command {
    /// Runs the command.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        match self {
            Self::Build(arguments) => Box::pin(arguments.run(session)).await,
            Self::Publish(arguments) => Box::pin(arguments.run(session)).await,
            Self::Fleet(arguments) => Box::pin(arguments.run(session)).await,
            Self::List(arguments) => arguments.run(session).await,
            Self::Diff(arguments) => arguments.run(session).await,
            Self::Activate(arguments) => arguments.run(session).await,
            Self::Rollback(arguments) => arguments.run(session).await,
            Self::Prune(arguments) => arguments.run(session).await,
            Self::Verify(arguments) => arguments.run(session).await,
            Self::Repair(arguments) => arguments.run(session).await,
            Self::Countersign(arguments) => arguments.run(session).await,
            Self::Refresh(arguments) => arguments.run(session).await,
            Self::Boot(arguments) => arguments.run(session).await,
            Self::Serve(arguments) => arguments.run(session).await,
            Self::Size(arguments) => arguments.run(session).await,
            Self::Lint(arguments) => arguments.run(session).await,
            Self::Export(arguments) => arguments.run(session).await,
            Self::SecureBoot(arguments) => arguments.run(session).await,
            Self::Completions(arguments) => Ok(arguments.run()),
            Self::Man(arguments) => arguments.run(),
        }
    }
}

/// Describes the command line, for completions and man pages.
pub fn command() -> clap::Command {
    Arguments::command()
}
