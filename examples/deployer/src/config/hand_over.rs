//! The installation of a booted machine by nixos-anywhere.

use std::path::PathBuf;

use netboot_cli::Error;
use netboot_cli::configuration::{Configuration, HandOverSection};
use netboot_nix::FlakeReference;

/// The parts of an install plan that are the same for all machines.
#[derive(Debug, Clone)]
pub(crate) struct HandOver {
    /// The flake with `nixosConfigurations.<node>`, which has disko's configuration.
    pub(crate) flake: FlakeReference,
    /// The user for the login on the booted machine.
    pub(crate) ssh_user: String,
    /// The private key to log in with; by default, what ssh finds.
    pub(crate) ssh_key: Option<PathBuf>,
    /// The attribute of a node's configuration with the disko configuration, such as
    /// `config.disko.devices`.
    pub(crate) disko: String,
    /// A directory with one directory for each node. Its files are copied to the installed system.
    pub(crate) extra_files: Option<PathBuf>,
    /// True if a machine may be at an address of the computer on which this service runs. Its disks
    /// would be formatted, so this is for virtual machines in tests.
    pub(crate) own_addresses: bool,
}

impl HandOver {
    /// Checks the table. The default flake is that of the images.
    pub(super) fn of(
        file: &Configuration,
        section: &HandOverSection,
        images: &FlakeReference,
    ) -> Result<Self, Error> {
        let flake = match &section.flake {
            Some(reference) => FlakeReference::new(reference).map_err(|error| {
                file.refusal_of("deployer.hand-over.flake", &error, error.hint())
            })?,
            None => images.clone(),
        };
        let (user, disko) = (&section.ssh_user, &section.disko);
        let is_user = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if user.is_empty() || user.starts_with('-') || !user.chars().all(is_user) {
            let problem = format!("`{user}` is not the name of a user");
            let hint = "write a user name, such as root";
            return Err(file.refusal("deployer.hand-over.ssh-user", problem, hint));
        }
        let is_attribute = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'');
        if !disko.split('.').all(|name| !name.is_empty() && name.chars().all(is_attribute)) {
            let problem = format!("`{disko}` is not the path of an attribute");
            let hint = "write an attribute path, such as config.disko.devices";
            return Err(file.refusal("deployer.hand-over.disko", problem, hint));
        }
        Ok(Self {
            flake,
            ssh_user: user.clone(),
            ssh_key: section.ssh_key.clone(),
            disko: disko.clone(),
            extra_files: section.extra_files.clone(),
            own_addresses: section.own_addresses,
        })
    }
}
