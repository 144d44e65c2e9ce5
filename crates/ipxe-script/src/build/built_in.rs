//! The builds that are known by name.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use crate::build::capabilities::{Capabilities, NAMES};
use crate::build::capability::{Platform, Quirk};
use crate::build::configuration;
use crate::build::configuration::Origin;
use crate::build::ipxe_build::IpxeBuild;
use crate::commands::syntax::CommandSyntax;
use crate::dialect::{Dialect, Version};
use crate::error::Error;
use crate::settings::Settings;

/// Settings that DHCP servers and virtual machines set, and that iPXE knows only by name.
const FURTHER_SETTINGS: [&str; 7] =
    ["dnssl", "peerdist", "peerhost", "syslog6", "user-class", "vendor-class", "vram"];

/// The known builds. Of each origin, the build for both platforms comes first.
static BUILT_IN: LazyLock<Vec<IpxeBuild>> = LazyLock::new(|| {
    let of_origin = |origin: Origin| {
        let bios = build(origin, Platform::Bios);
        let efi = build(origin, Platform::Efi);
        let common = bios.clone().intersect(efi.clone());
        let both = Capabilities { name: origin.as_str().to_owned(), ..common };
        [both, bios, efi].map(|capabilities| IpxeBuild(Arc::new(capabilities)))
    };
    Origin::ALL.into_iter().flat_map(of_origin).collect()
});

pub(crate) fn find(name: &str) -> Option<IpxeBuild> {
    BUILT_IN.iter().find(|build| build.name() == name).cloned()
}

fn oldest() -> IpxeBuild {
    let oldest = || {
        let bios = build(Origin::Bookworm, Platform::Bios);
        IpxeBuild(Arc::new(bios))
    };
    BUILT_IN.first().cloned().unwrap_or_else(oldest)
}

fn build(origin: Origin, platform: Platform) -> Capabilities {
    let version = origin.version();
    Capabilities {
        name: format!("{}-{platform}", origin.as_str()),
        version,
        platforms: BTreeSet::from([platform]),
        commands: origin.commands(platform).map(|name| with_options(name, version)).collect(),
        protocols: origin.protocols(platform).collect(),
        image_formats: configuration::image_formats(platform).iter().copied().collect(),
        settings: Settings::new(Dialect::bios(version))
            .predefined()
            .chain(FURTHER_SETTINGS)
            .map(str::to_owned)
            .collect(),
        quirks: quirks(version, platform).iter().copied().collect(),
    }
}

/// A command, with its options in a version.
pub(crate) fn with_options(name: &str, version: Version) -> (String, BTreeSet<String>) {
    let syntax = CommandSyntax::find(name.as_bytes(), version);
    let options = syntax.into_iter().flat_map(|syntax| syntax.options(version));
    (name.to_owned(), options.map(|option| option.long.to_owned()).collect())
}

fn quirks(version: Version, platform: Platform) -> &'static [Quirk] {
    match (version, platform) {
        (Version::V2019, Platform::Bios) => &[Quirk::ReencodesUrls, Quirk::LoadsEveryImage],
        (Version::V2019, Platform::Efi) => &[Quirk::ReencodesUrls, Quirk::LoadsNamedInitrdsOnly],
        _ => &[Quirk::LoadsEveryImage],
    }
}

impl TryFrom<&str> for IpxeBuild {
    type Error = Error;
    fn try_from(name: &str) -> Result<Self, Error> {
        name.parse()
    }
}

impl TryFrom<&String> for IpxeBuild {
    type Error = Error;
    fn try_from(name: &String) -> Result<Self, Error> {
        name.parse()
    }
}

impl TryFrom<String> for IpxeBuild {
    type Error = Error;
    fn try_from(name: String) -> Result<Self, Error> {
        name.parse()
    }
}

/// A function that takes a name or a build also takes a reference to a build.
impl From<&Self> for IpxeBuild {
    fn from(build: &Self) -> Self {
        build.clone()
    }
}

impl FromStr for IpxeBuild {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        find(name).ok_or_else(|| Error::UnknownBuild { name: name.chars().take(80).collect() })
    }
}

impl IpxeBuild {
    /// The names of the known builds, the default first. They are Debian's builds of 2019
    /// (`bookworm`), 1.21 (`trixie`) and 2.0 (`sid`), and ipxe.org's default builds of 2.0
    /// (`ipxe-2.0`). Each exists for machines with a BIOS (`-bios`), with UEFI (`-efi`), and for
    /// scripts that serve both.
    pub const NAMES: [&'static str; 12] = NAMES;

    /// All known builds, in the order of their [`NAMES`](Self::NAMES).
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.into_iter().filter_map(find)
    }
}

impl Default for IpxeBuild {
    /// Debian bookworm's build of 2019, the oldest in common use, for a BIOS and UEFI.
    fn default() -> Self {
        oldest()
    }
}
