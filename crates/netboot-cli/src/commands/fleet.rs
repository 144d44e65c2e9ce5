//! `netboot fleet`: the machines, and what each of them boots.

mod list;
mod publish;
mod which;

use clap::{Args, Subcommand};
use netboot_core::{ProfileName, Report};
use netboot_ipxe::{Fleet, UnknownMachine};

use crate::answer::Answer;
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
