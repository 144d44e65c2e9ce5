//! The section `[hand-over]`: how nixos-anywhere installs a booted machine.

use std::path::PathBuf;

use netboot_nix::FlakeReference;
use serde::Deserialize;

use super::error::Problem;

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

/// The section `[hand-over]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct HandOverSection {
    flake: Option<String>,
    #[serde(default = "root")]
    ssh_user: String,
    ssh_key: Option<PathBuf>,
    #[serde(default = "disko")]
    disko: String,
    extra_files: Option<PathBuf>,
    #[serde(default)]
    own_addresses: bool,
}

fn root() -> String {
    "root".to_owned()
}

fn disko() -> String {
    "config.disko.devices".to_owned()
}

impl HandOverSection {
    /// The parts of the plan. The default flake is that of the images.
    pub(super) fn check(self, images: &FlakeReference) -> Result<HandOver, Problem> {
        let flake = match self.flake {
            Some(reference) => FlakeReference::new(reference)
                .map_err(|error| Problem::of("hand-over.flake", &error, error.hint()))?,
            None => images.clone(),
        };
        let is_user = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if self.ssh_user.is_empty()
            || self.ssh_user.starts_with('-')
            || !self.ssh_user.chars().all(is_user)
        {
            let problem = format!("`{}` is not the name of a user", self.ssh_user);
            return Err(Problem::new(
                "hand-over.ssh-user",
                problem,
                "write a user name, such as root",
            ));
        }
        for (key, path) in [("ssh-key", &self.ssh_key), ("extra-files", &self.extra_files)] {
            if path.as_ref().is_some_and(|path| !path.is_absolute()) {
                let hint = "write an absolute path: nixos-anywhere may run in another directory";
                return Err(Problem::new(format!("hand-over.{key}"), "the path is relative", hint));
            }
        }
        let is_attribute = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'');
        if !self.disko.split('.').all(|name| !name.is_empty() && name.chars().all(is_attribute)) {
            let problem = format!("`{}` is not the path of an attribute", self.disko);
            let hint = "write an attribute path, such as config.disko.devices";
            return Err(Problem::new("hand-over.disko", problem, hint));
        }
        let Self { ssh_user, ssh_key, disko, extra_files, own_addresses, .. } = self;
        Ok(HandOver { flake, ssh_user, ssh_key, disko, extra_files, own_addresses })
    }
}
