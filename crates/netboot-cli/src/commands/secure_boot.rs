//! `netboot secure-boot`: keys, signatures and EFI programs of machines with Secure Boot.

mod addon;
mod inspect;
mod keys;
mod sign;

use clap::{Args, Subcommand};
use netboot_core::Report;

use crate::answer::Answer;
use crate::session::Session;

/// Make keys for Secure Boot, and sign and inspect EFI programs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make keys for a laboratory, and the files that enrol them in firmware.
    Keys(keys::Arguments),
    /// Sign an EFI program, such as iPXE.
    Sign(sign::Arguments),
    /// Show the parts and the signers of an EFI program, such as a UKI.
    Inspect(inspect::Arguments),
    /// Make a signed addon: kernel parameters for one machine or one group.
    Addon(addon::Arguments),
}

impl Arguments {
    /// Does the action.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        match self.action {
            Action::Keys(arguments) => arguments.run(session).await,
            Action::Sign(arguments) => arguments.run(session).await,
            Action::Inspect(arguments) => arguments.run(session).await,
            Action::Addon(arguments) => arguments.run(session).await,
        }
    }
}
