//! What an operator writes: a TOML file, checked as a whole before anything starts.

mod document;
mod error;
mod hand_over;
mod machine;
mod proof;
mod publisher;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netboot_core::{Profile, ProfileName, SiteName};
use netboot_ipxe::Fleet;
use netboot_nix::{FlakeReference, Overrides};
use netboot_publish::{ActivationPolicy, Retention};
use url::Url;

pub(crate) use self::error::ConfigError;
pub(crate) use self::hand_over::HandOver;
pub(crate) use self::machine::Machine;
pub(crate) use self::proof::Proof;
pub(crate) use self::publisher::Target;

/// All that the file says, checked: what is in here can be worked with.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where the service listens.
    pub(crate) listen: SocketAddr,
    /// Under which URL machines reach it, if the file says so; ends in `/`.
    pub(crate) url: Option<Url>,
    /// Where jobs, images and reports are kept.
    pub(crate) state_directory: PathBuf,
    /// The flake that images are built of.
    pub(crate) flake: FlakeReference,
    /// What every image has on top of what the flake says.
    pub(crate) overrides: Overrides,
    /// What can be built, by name.
    pub(crate) profiles: BTreeMap<ProfileName, Arc<dyn Profile>>,
    /// Where releases go, in the order of the file.
    pub(crate) targets: Vec<(SiteName, Target)>,
    /// The first of them that is a directory: what this service serves at `/published`, what its
    /// machines boot from, and what says which release is live.
    pub(crate) served: (SiteName, PathBuf),
    /// What happens at the other targets when a release cannot go live at one of them.
    pub(crate) policy: ActivationPolicy,
    /// Which releases and builds are kept by pruning.
    pub(crate) retention: Retention,
    /// How a release is proven.
    pub(crate) proof: Proof,
    /// Which machine boots what.
    pub(crate) fleet: Fleet,
    /// The machines of the fleet with what is known of them besides, by name.
    pub(crate) machines: BTreeMap<String, Machine>,
    /// How a machine that has booted is installed; `None` if that is somebody else's business.
    pub(crate) hand_over: Option<HandOver>,
    /// How long jobs and requests may take to end when the service is asked to.
    pub(crate) grace: Duration,
}
