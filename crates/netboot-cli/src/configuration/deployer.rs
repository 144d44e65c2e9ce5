//! The table `[deployer]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use netboot_core::SiteName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::hand_over::HandOverSection;
use super::limits::LimitsSection;

/// The table `[deployer]`: the settings that only the service reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct DeployerSection {
    /// The address and the port on which the service listens.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// The URL at which machines reach the service. The default is `http://` and `listen`.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// Other names and addresses by which clients reach the service, without ports.
    pub hosts: Vec<String>,
    /// The directory for jobs, built images and boot reports. The service needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_directory: Option<PathBuf>,
    /// The names of the targets to which the service publishes. The first of them that is a
    /// directory is the one that the service serves to machines, and whose live release counts. The
    /// default is all targets, in the order of their names.
    #[schemars(with = "Vec<String>")]
    pub targets: Vec<SiteName>,
    /// The names of the targets that the service serves at `/targets/<name>/`, of any kind: for
    /// example a bucket that refuses anonymous reads. Everybody who reaches the service can read
    /// them.
    #[schemars(with = "Vec<String>")]
    pub serve_targets: Vec<SiteName>,
    /// The policy if a release cannot go live at one of several targets: `all-or-none` or
    /// `each-by-itself`.
    pub activation: Activation,
    /// The time in seconds that jobs and requests have to end when the service stops.
    pub grace_seconds: u64,
    /// The limits of clients.
    pub limits: LimitsSection,
    /// The way in which nixos-anywhere installs a booted machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hand_over: Option<HandOverSection>,
}

/// The policy if a release cannot go live at one of several targets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Activation {
    /// The others go back to the release that was live before.
    #[default]
    AllOrNone,
    /// It goes live at the others.
    EachByItself,
}

impl Default for DeployerSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            url: None,
            hosts: Vec::new(),
            state_directory: None,
            targets: Vec::new(),
            serve_targets: Vec::new(),
            activation: Activation::default(),
            grace_seconds: 10,
            limits: LimitsSection::default(),
            hand_over: None,
        }
    }
}
