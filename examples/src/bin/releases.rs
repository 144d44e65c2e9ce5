//! Manages the releases of a directory: lists them, signs them, rolls back, activates a staged
//! release, and deletes releases that are no longer needed.

#![expect(clippy::print_stdout, reason = "a program talks to its user")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::{Parser, Subcommand};
use netboot_core::{Context, PointerName, ReleaseId, Report};
use netboot_examples::{SigningOptions, run_program};
use netboot_publish::{LocalStore, Publisher, Retention, RollbackTo};

/// Manage the releases of a directory.
#[derive(Debug, Parser)]
struct Arguments {
    /// The directory to which the releases were published.
    directory: PathBuf,

    /// The pointer: the channel that machines boot from.
    #[arg(long, value_name = "NAME", default_value_t = PointerName::default())]
    pointer: PointerName,

    #[command(flatten)]
    signing: SigningOptions,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the releases that were live, newest first, and then the other staged releases.
    List,
    /// Go back to the release that was live before.
    Rollback {
        /// Go to this release instead. It need not have been live before.
        #[arg(long, value_name = "ID")]
        to: Option<ReleaseId>,
    },
    /// Make a staged release live.
    Activate {
        /// The release.
        release: ReleaseId,
    },
    /// Add the signature of `--sign-key` to a staged release that is trusted already.
    Countersign {
        /// The release.
        release: ReleaseId,
    },
    /// Sign the live pointer again, with a new best-before date if `--pointer-lifetime` is set.
    Refresh,
    /// Delete releases that are no longer needed, and the files that only they use.
    Prune {
        /// The number of releases of the history to keep, including the live one.
        #[arg(long, value_name = "COUNT", default_value_t = 3)]
        keep: usize,

        /// The number of hours to keep a release after it was last staged or live.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        grace: u64,

        /// Only print what would be deleted.
        #[arg(long)]
        dry_run: bool,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run_program(async |context| {
        println!("{}", run(arguments, &context).await?);
        Ok(())
    })
    .await
}

async fn run(arguments: Arguments, context: &Context) -> Result<String, Report> {
    let store = LocalStore::new(&arguments.directory);
    let publisher = Publisher::new(store).with_pointer(arguments.pointer)?;
    let publisher = arguments.signing.apply(publisher)?;
    Ok(match arguments.command {
        Command::List => list(&publisher).await?,
        Command::Rollback { to } => {
            let to = to.map_or(RollbackTo::Previous, RollbackTo::Release);
            publisher.rollback(to, context).await?.to_string()
        }
        Command::Activate { release } => publisher.activate(&release, context).await?.to_string(),
        Command::Countersign { release } => {
            let added = publisher.countersign(&release, context).await?;
            format!("release {release}: {}", if added { "signed" } else { "had the signature" })
        }
        Command::Refresh => match publisher.refresh(context).await? {
            Some(live) => format!("the pointer of release {live} is signed again"),
            None => "nothing is live here".to_owned(),
        },
        Command::Prune { keep, grace, dry_run } => {
            let grace = Duration::from_secs(grace.saturating_mul(3600));
            let retention =
                Retention::default().with_keep_last(keep).with_grace(grace).with_dry_run(dry_run);
            publisher.prune(&retention, context).await?.to_string()
        }
    })
}

/// One line for each release. It has the whole id, because the other commands need it.
async fn list(publisher: &Publisher) -> Result<String, Report> {
    let history = publisher.history().await?;
    let mut never_live = publisher.releases().await?;
    let mut lines = Vec::new();
    for entry in &history {
        never_live.remove(&entry.release);
        let state = if entry.live { "live" } else { "was live" };
        let hours = SystemTime::now().duration_since(entry.activated_at).unwrap_or_default();
        let hours = hours.as_secs() / 3600;
        let there = if entry.whole { "" } else { ", no longer whole" };
        lines.push(format!("{} {state}, {} {hours} h ago{there}", entry.release, entry.kind));
    }
    lines.extend(never_live.iter().map(|release| format!("{release} staged, never live")));
    if lines.is_empty() {
        lines.push("nothing is published here".to_owned());
    }
    Ok(lines.join("\n"))
}
