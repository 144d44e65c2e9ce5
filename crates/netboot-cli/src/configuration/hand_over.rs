//! The table `[deployer.hand-over]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The table `[deployer.hand-over]`: how nixos-anywhere installs a booted machine. With it, even if
/// it is empty, the service makes install plans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct HandOverSection {
    /// The flake in which each machine has a NixOS configuration of its name. The default is the
    /// flake of the images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flake: Option<String>,
    /// The user for the login on the booted machine.
    pub ssh_user: String,
    /// The private key to log in with. The default is the key that ssh finds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_key: Option<PathBuf>,
    /// The attribute with disko's configuration in the configuration of a machine.
    pub disko: String,
    /// A directory with one directory for each machine, whose files are copied to the installed
    /// system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_files: Option<PathBuf>,
    /// True to let plans name an address of this computer, whose disks they would format. Virtual
    /// machines in tests need it.
    pub own_addresses: bool,
}

impl Default for HandOverSection {
    fn default() -> Self {
        Self {
            flake: None,
            ssh_user: "root".to_owned(),
            ssh_key: None,
            disko: "config.disko.devices".to_owned(),
            extra_files: None,
            own_addresses: false,
        }
    }
}
