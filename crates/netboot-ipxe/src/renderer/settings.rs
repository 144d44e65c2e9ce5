//! The settings of a renderer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ipxe_script::{IpxeBuild, Platform, Protocol};
use netboot_closure::boot_parameter::HttpUrl;
use netboot_core::{
    Architecture, Artifact, KernelParameter, PointerName, ProfileName, Sha256Digest,
};
use url::Url;

use crate::dispatch::assignment::{Assignment, BootOnce};
use crate::dispatch::fleet::{Fleet, UnknownMachine};
use crate::error::Error;
use crate::menu::{LocalDisk, Menu};
use crate::script_url::{ScriptUrl, without_password};

/// The settings of a renderer.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting that a caller switches on")]
pub(super) struct Settings {
    pub(super) ipxe_build: IpxeBuild,
    pub(super) pointer_name: PointerName,
    pub(super) default_profile: Option<ProfileName>,
    pub(super) menu: Option<Menu>,
    pub(super) menu_timeout: Duration,
    pub(super) retry_after: Duration,
    pub(super) attempts: u32,
    pub(super) pause: Duration,
    pub(super) rounds: u32,
    pub(super) shell: bool,
    pub(super) local_disk: LocalDisk,
    pub(super) fleet: Option<Arc<Fleet>>,
    pub(super) families: BTreeMap<ProfileName, BTreeMap<Architecture, ProfileName>>,
    pub(super) payload_url: Option<ScriptUrl>,
    pub(super) closure_sources: Vec<HttpUrl>,
    pub(super) boot_card: bool,
    pub(super) report_url: Option<ScriptUrl>,
    pub(super) kernel_parameters: Vec<KernelParameter>,
    pub(super) check_digests: bool,
    pub(super) signatures: Option<BTreeMap<Sha256Digest, Arc<dyn Artifact>>>,
    pub(super) secure_boot: bool,
    pub(super) shims: BTreeMap<Architecture, Arc<dyn Artifact>>,
    pub(super) boot_programs: BTreeMap<Architecture, Bytes>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ipxe_build: IpxeBuild::default(),
            pointer_name: PointerName::default(),
            default_profile: None,
            menu: None,
            menu_timeout: Duration::from_secs(10),
            retry_after: Duration::from_secs(60),
            attempts: 3,
            pause: Duration::from_secs(5),
            rounds: 0,
            shell: true,
            local_disk: LocalDisk::default(),
            fleet: None,
            families: BTreeMap::new(),
            payload_url: None,
            closure_sources: Vec::new(),
            boot_card: false,
            report_url: None,
            kernel_parameters: Vec::new(),
            check_digests: false,
            signatures: None,
            secure_boot: false,
            shims: BTreeMap::new(),
            boot_programs: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Returns true if scripts offer the command line of iPXE. A fleet that refuses unknown
    /// machines offers none, because pulling the cable of a machine makes its static entry fail.
    pub(super) fn offers_shell(&self) -> bool {
        let refuses = |fleet: &Arc<Fleet>| *fleet.unknown() == UnknownMachine::Refuse;
        self.shell && !self.fleet.as_ref().is_some_and(refuses)
    }

    /// Checks that the iPXE build has everything that the settings need.
    pub(super) fn require_capabilities(&self) -> Result<(), Error> {
        let build = &self.ipxe_build;
        let require = |has: bool, capability: &str| {
            if has {
                return Ok(());
            }
            let (build, capability) = (build.name().to_owned(), capability.to_owned());
            Err(Error::BuildLacks { build, capability })
        };
        if self.check_digests {
            require(build.has_option("sha256sum", "set"), "the command sha256sum with --set")?;
        }
        if self.signatures.is_some() {
            require(build.has_command("imgverify"), "the command imgverify")?;
            require(build.has_command("imgtrust"), "the command imgtrust")?;
        }
        if self.secure_boot {
            require(build.runs_on(Platform::Efi), "machines with UEFI, which Secure Boot needs")?;
            if !self.shims.is_empty() {
                require(build.has_command("shim"), "the command shim")?;
            }
        }
        let tokens = self.fleet.iter().flat_map(|fleet| fleet.assignments());
        let tokens = tokens.filter_map(Assignment::boot_once).flat_map(BootOnce::urls);
        let urls = self.payload_url.iter().chain(&self.report_url).chain(tokens);
        for url in urls {
            // A relative URL has the protocol of the script.
            let Ok(url) = Url::parse(url.as_str()) else { continue };
            let protocol = Protocol::of_scheme(url.scheme());
            let has = protocol.is_some_and(|protocol| build.has_protocol(protocol));
            require(has, &format!("the protocol of {}", without_password(&url)))?;
        }
        Ok(())
    }
}
