//! The configuration: `netboot.toml`, which is checked as a whole before anything starts.
//!
//! The schema of the file is that of the program `netboot`. The modules here make the running state
//! of this service of it.

mod closure_boot;
mod hand_over;
mod limits;
mod load;
mod machine;
mod signing;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netboot_cli::Target;
use netboot_cli::configuration::ProofSection;
use netboot_core::{DocumentKind, Profile, ProfileName, SiteName};
use netboot_ipxe::Fleet;
use netboot_nix::{FlakeReference, Overrides};
use netboot_publish::{ActivationPolicy, Retention};
use url::{Host, Url};

pub(crate) use self::closure_boot::ClosureBooting;
pub(crate) use self::hand_over::HandOver;
pub(crate) use self::limits::Limits;
pub(crate) use self::machine::Machine;
pub(crate) use self::signing::{Memory, Signing};

/// The checked content of the file. All of it can be used.
#[derive(Debug)]
pub(crate) struct Config {
    /// The address on which the service listens.
    pub(crate) listen: SocketAddr,
    /// The URL under which machines reach the service, if the file has it; it ends in `/`.
    pub(crate) url: Option<Url>,
    /// Other hosts under which requests reach the service.
    pub(crate) hosts: Vec<Host>,
    /// The limits of clients.
    pub(crate) limits: Limits,
    /// The directory for jobs, images and reports.
    pub(crate) state_directory: PathBuf,
    /// The flake from which images are built.
    pub(crate) flake: FlakeReference,
    /// The documents that every built image gets.
    pub(crate) documents: Vec<DocumentKind>,
    /// The changes to the flake's configurations that every image gets.
    pub(crate) overrides: Overrides,
    /// The profiles that can be built, by name.
    pub(crate) profiles: BTreeMap<ProfileName, Arc<dyn Profile>>,
    /// The names of the profiles' configurations in the flake.
    pub(crate) configurations: BTreeMap<ProfileName, String>,
    /// The targets to which releases are published, in their order.
    pub(crate) targets: Vec<(SiteName, Target)>,
    /// The first target that is a directory. This service serves it at `/published`, its machines
    /// boot from it, and it defines which release is live.
    pub(crate) served: (SiteName, PathBuf),
    /// The targets that this service serves at `/targets/<name>/`.
    pub(crate) views: BTreeMap<SiteName, Target>,
    /// The policy for the other targets if a release cannot go live at one of them.
    pub(crate) policy: ActivationPolicy,
    /// The keys for releases and pointers; `None` if whoever can write to a target is trusted.
    pub(crate) signing: Option<Signing>,
    /// The releases and builds that pruning keeps.
    pub(crate) retention: Retention,
    /// The way a release is proven: booted in QEMU.
    pub(crate) proof: ProofSection,
    /// The assignment of profiles to machines.
    pub(crate) fleet: Fleet,
    /// The machines of the fleet with all their data, by name.
    pub(crate) machines: BTreeMap<String, Machine>,
    /// The way a booted machine is installed; `None` if this service does not do that.
    pub(crate) hand_over: Option<HandOver>,
    /// The settings of machines that boot from closures; `None` if no image has one.
    pub(crate) closure_boot: Option<ClosureBooting>,
    /// The time that jobs and requests have to end when the service stops.
    pub(crate) grace: Duration,
}
