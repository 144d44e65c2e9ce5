//! The option for a list of machines, which a command reads or publishes.

use std::path::PathBuf;

use clap::Args;
use netboot_core::Report;
use netboot_ipxe::Fleet;

use crate::configuration::Configuration;
use crate::misuse::Misuse;
use crate::session::Session;

/// The list of machines of a command.
#[derive(Debug, Clone, Args)]
pub(crate) struct MachineList {
    /// A TOML file with the table `[machines]`. The default is netboot.toml.
    #[arg(long, value_name = "FILE")]
    machines: Option<PathBuf>,
}

/// The machines of a command that publishes.
#[derive(Debug, Clone, Args)]
pub(crate) struct MachineOptions {
    #[command(flatten)]
    list: MachineList,

    /// Publish a release without machines, although the live release lists some.
    #[arg(long, conflicts_with = "machines")]
    without_machines: bool,
}

impl MachineOptions {
    /// The first of these options that is on the command line.
    pub(crate) fn given(&self) -> Option<&'static str> {
        match self {
            Self { list: MachineList { machines: Some(_) }, .. } => Some("--machines"),
            Self { without_machines: true, .. } => Some("--without-machines"),
            _ => None,
        }
    }

    /// True if somebody wants a release without machines.
    pub(crate) fn may_be_left_out(&self) -> bool {
        self.without_machines
    }

    /// Checks that machines are listed, or left out on purpose.
    ///
    /// # Errors
    /// The errors of [`MachineList::read`].
    pub(crate) fn require(&self, session: &Session) -> Result<(), Report> {
        if self.without_machines { Ok(()) } else { self.list.read(session).map(drop) }
    }

    /// Reads the machines. netboot.toml need not list any.
    ///
    /// # Errors
    /// If the file cannot be read, two machines cannot be told apart, or the file of `--machines`
    /// does not say what machines boot.
    pub(crate) fn find(&self, session: &Session) -> Result<Option<Fleet>, Report> {
        if !self.without_machines && self.list.is_listed(session)? {
            self.list.read(session).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl MachineList {
    /// Returns true if the command line names a list, or netboot.toml has one.
    ///
    /// # Errors
    /// If netboot.toml cannot be read.
    pub(crate) fn is_listed(&self, session: &Session) -> Result<bool, Report> {
        Ok(self.machines.is_some() || session.configuration()?.machines.is_written())
    }

    /// Reads the machines.
    ///
    /// # Errors
    /// If the file cannot be read, does not say what machines boot, or two of them cannot be told
    /// apart.
    pub(crate) fn read(&self, session: &Session) -> Result<Fleet, Report> {
        let own = self.machines.as_ref().map(Configuration::load).transpose()?;
        let configuration = match &own {
            Some(own) => own,
            None => session.configuration()?,
        };
        if configuration.machines.is_written() {
            return Ok(configuration.fleet()?);
        }
        let hint = "write `[[machines.known]]` with `name`, `match` and `profile` for each machine, \
                    or name another file: `--machines FILE`; if all machines are unknown, write \
                    `unknown` in `[machines]`";
        Err(match configuration.file() {
            Some(file) => Misuse::report(format!("`{}` lists no machines", file.display()), hint),
            None => Misuse::report("there is no netboot.toml, and so no list of machines", hint),
        })
    }
}
