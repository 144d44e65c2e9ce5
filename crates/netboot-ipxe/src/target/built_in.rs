//! The targets that have a name.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use super::build_configuration::{self, Origin};
use super::capability::{Platform, Quirk};
use super::{Capabilities, Target};
use crate::Error;
use crate::script::{Build, CommandSyntax, Settings, Version};

/// Settings that DHCP servers and virtual machines set, and that are known by name only.
const FURTHER_SETTINGS: [&str; 7] =
    ["dnssl", "peerdist", "peerhost", "syslog6", "user-class", "vendor-class", "vram"];

/// The targets and their names, each origin's for both platforms first.
static BUILT_IN: LazyLock<Vec<Target>> = LazyLock::new(|| {
    let of_origin = |origin: Origin| {
        let bios = build(origin, Platform::Bios);
        let efi = build(origin, Platform::Efi);
        let common = bios.clone().intersect(efi.clone());
        let both = Capabilities { name: origin.as_str().to_owned(), ..common };
        [both, bios, efi].map(|capabilities| Target(Arc::new(capabilities)))
    };
    Origin::ALL.into_iter().flat_map(of_origin).collect()
});

pub(super) fn find(name: &str) -> Option<Target> {
    BUILT_IN.iter().find(|target| target.name() == name).cloned()
}

pub(super) fn oldest() -> Target {
    let oldest = || {
        let bios = build(Origin::Bookworm, Platform::Bios);
        Target(Arc::new(bios))
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
        image_formats: build_configuration::image_formats(platform).iter().copied().collect(),
        settings: Settings::new(Build::bios(version))
            .predefined()
            .chain(FURTHER_SETTINGS)
            .map(str::to_owned)
            .collect(),
        quirks: quirks(version, platform).iter().copied().collect(),
    }
}

/// A command with the options that a version has.
pub(super) fn with_options(name: &str, version: Version) -> (String, BTreeSet<String>) {
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

impl FromStr for Target {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self, Error> {
        find(name).ok_or_else(|| Error::UnknownTarget { name: name.chars().take(80).collect() })
    }
}
