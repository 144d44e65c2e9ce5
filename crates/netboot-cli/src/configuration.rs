//! `netboot.toml`: one file that the program `netboot` and services read.
//!
//! [`Configuration`] has a field for each table of the file, as it was written and with its
//! defaults. Its methods turn the tables into what the other crates take. `docs/netboot-toml.md`
//! lists all keys.

mod checked;
mod closure_boot;
mod deployer;
mod documents;
mod flake;
mod hand_over;
mod known_keys;
mod limits;
mod machines;
mod paths;
mod pattern;
mod problem;
mod profile;
pub(crate) mod proof;
mod reading;
mod retention;
mod schema;
mod secure_boot;
pub(crate) mod signing;
pub(crate) mod signing_keys;
pub(crate) mod target_entry;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use netboot_core::SiteName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::closure_boot::ClosureBootSection;
pub use self::deployer::{Activation, DeployerSection};
pub use self::documents::DocumentsSection;
pub use self::flake::FlakeSection;
pub use self::hand_over::HandOverSection;
pub use self::limits::LimitsSection;
pub use self::machines::{KnownMachine, MachineMatch, MachinesSection, UnknownMachines};
pub use self::pattern::ConfigurationPattern;
pub use self::profile::ProfileEntry;
pub use self::proof::ProofSection;
pub use self::retention::RetentionSection;
pub use self::secure_boot::{CommandInput, SecureBootSection};
pub use self::signing::SigningSection;
pub use self::signing_keys::SigningKeys;
pub use self::target_entry::{TargetEntry, TargetTable};

/// The name of the file in the working directory.
pub const FILE_NAME: &str = "netboot.toml";

/// The content of `netboot.toml`. Every table and every key is optional for the program `netboot`.
///
/// Relative paths in the file start at the directory of the file.
///
/// ```
/// use netboot_cli::configuration::Configuration;
///
/// let configuration = Configuration::parse(r#"
///     [targets]
///     local = "/srv/pxe/nixos"
///     osaka = { location = "publisher@boot.example.org:/srv/pxe", identity-file = "/etc/id" }
///
///     [[profiles]]
///     name = "worker"
///     configuration = "live-netboot"
/// "#, "netboot.toml")?;
/// let local = configuration.target("local")?;
/// assert_eq!(local.directory().unwrap().to_str(), Some("/srv/pxe/nixos"));
/// assert_eq!(configuration.flake_attribute(&"worker".parse()?), "live-netboot");
/// assert_eq!(configuration.flake_attribute(&"storage".parse()?), "netboot-storage");
///
/// let error = configuration.target("tokyo").unwrap_err();
/// assert!(error.hint().unwrap().contains("local, osaka"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(title = "netboot.toml")]
#[non_exhaustive]
pub struct Configuration {
    /// The flake with the NixOS configurations of the images.
    pub flake: FlakeSection,
    /// The profiles: the kinds of machines that have an image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileEntry>,
    /// The places to which releases are published, by name: each is a location, or a table with a
    /// location and its settings.
    #[schemars(with = "BTreeMap<String, TargetEntry>")]
    pub targets: BTreeMap<SiteName, TargetEntry>,
    /// The keys of releases and pointers. Without them, whoever can write to a target decides what
    /// machines boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing: Option<SigningSection>,
    /// The releases that pruning keeps.
    pub retention: RetentionSection,
    /// The way in which a release is booted in QEMU before it goes live.
    pub proof: ProofSection,
    /// The build of images whose payload is `closure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closure_boot: Option<ClosureBootSection>,
    /// The UKIs of images, for machines with Secure Boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure_boot: Option<SecureBootSection>,
    /// The documents that are written about images.
    pub documents: DocumentsSection,
    /// The machines, and what they boot.
    pub machines: MachinesSection,
    /// The settings that only the deployer reads, a service that publishes releases and boots
    /// machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployer: Option<DeployerSection>,

    /// The file, for messages.
    #[serde(skip)]
    file: Option<PathBuf>,
}

impl Configuration {
    /// The file that was read; `None` if there was none.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}
