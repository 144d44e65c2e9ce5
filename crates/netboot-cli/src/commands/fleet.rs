//! `netboot fleet`: the machines, and what each of them boots.

mod list;
mod publish;
mod which;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use netboot_core::{ProfileName, Report};
use netboot_ipxe::{Fleet, UnknownMachine};

use crate::answer::Answer;
use crate::configuration::Configuration;
use crate::session::Session;

/// Show the machines and what they boot, and publish it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the machines.
    List(list::Arguments),
    /// Tell what a machine boots, and by which assignment.
    Which(which::Arguments),
    /// Publish the live images again, with the machines as they are listed now.
    Publish(Box<publish::Arguments>),
}

impl Arguments {
    /// Does the action.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        match self.action {
            Action::List(arguments) => arguments.run(session),
            Action::Which(arguments) => arguments.run(session),
            Action::Publish(arguments) => arguments.run(session).await,
        }
    }
}

/// The list of machines of a command.
#[derive(Debug, Args)]
struct MachineList {
    /// A TOML file with the table `[machines]`. The default is netboot.toml.
    #[arg(long, value_name = "FILE")]
    machines: Option<PathBuf>,
}

impl MachineList {
    /// Reads the machines.
    ///
    /// # Errors
    /// If the file cannot be read, has no machines, or two of them cannot be told apart.
    fn read(&self, session: &Session) -> Result<Fleet, Report> {
        let own = self.machines.as_ref().map(Configuration::load).transpose()?;
        let configuration = match &own {
            Some(own) => own,
            None => session.configuration()?,
        };
        let fleet = configuration.fleet()?;
        if !fleet.assignments().is_empty() {
            return Ok(fleet);
        }
        let hint = "write `[[machines.known]]` with `name`, `match` and `profile` for each machine, \
                    or name another file: `--machines FILE`";
        Err(match configuration.file() {
            Some(file) => Report::message(format!("`{}` lists no machines", file.display()), hint),
            None => Report::message("there is no netboot.toml, and so no list of machines", hint),
        })
    }
}

/// Tells the rule for machines that are not listed: a word for programs, and the profile if they
/// boot one.
fn unknown_boots(fleet: &Fleet) -> (&'static str, Option<&ProfileName>) {
    match fleet.unknown() {
        UnknownMachine::Menu => ("menu", None),
        UnknownMachine::Profile(profile) => ("profile", Some(profile)),
        UnknownMachine::LocalDisk => ("local-disk", None),
        // Also a rule that a later version of the library adds.
        _ => ("refuse", None),
    }
}
