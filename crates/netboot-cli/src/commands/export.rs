//! `netboot export`: the files with which others boot machines from a published release.

mod dhcp;
mod exported_files;
mod interchange;
mod kexec;
mod live_release;
mod record;
mod release_image;
mod uki;
mod whole_archive;
mod whole_directory;
mod written_files;

use clap::{Args, Subcommand};
use netboot_core::Report;

use crate::answer::Answer;
use crate::misuse::OfCommandLine;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum Server {
    /// Print the configuration of a DHCP server.
    Dhcp(dhcp::Arguments),
    /// Write the data directory of matchbox.
    Matchbox(interchange::Matchbox),
    /// Write the answers that Pixiecore requests.
    Pixiecore(interchange::Pixiecore),
    /// Write the files with which a running Linux starts an image in its own place.
    Kexec(kexec::Arguments),
    /// Take the UKI of an image out of a release.
    Uki(uki::Arguments),
}

impl Arguments {
    /// Writes the files for a server.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        match self.server {
            // The answer depends on nothing but the options.
            Server::Dhcp(arguments) => dhcp::export(arguments).of_command_line(),
            Server::Matchbox(arguments) => arguments.export(session).await,
            Server::Pixiecore(arguments) => arguments.export(session).await,
            Server::Kexec(arguments) => arguments.export(session).await,
            Server::Uki(arguments) => arguments.export(session).await,
        }
    }
}
