//! The data of a build.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::capability::{ImageFormat, Platform, Protocol, Quirk};
use crate::commands::syntax::CommandSyntax;
use crate::dialect::Version;

/// The names of the known builds.
pub(crate) const NAMES: [&str; 12] = [
    "bookworm",
    "bookworm-bios",
    "bookworm-efi",
    "trixie",
    "trixie-bios",
    "trixie-efi",
    "sid",
    "sid-bios",
    "sid-efi",
    "ipxe-2.0",
    "ipxe-2.0-bios",
    "ipxe-2.0-efi",
];

/// Commands that ignore their arguments.
pub(crate) const WITHOUT_SYNTAX: [&str; 2] = ["help", "shell"];

/// The capabilities of a build, or those that several builds share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capabilities {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) platforms: BTreeSet<Platform>,
    /// The options of each command, by their long names.
    pub(crate) commands: BTreeMap<String, BTreeSet<String>>,
    pub(crate) protocols: BTreeSet<Protocol>,
    pub(crate) image_formats: BTreeSet<ImageFormat>,
    pub(crate) settings: BTreeSet<String>,
    pub(crate) quirks: BTreeSet<Quirk>,
}

impl Capabilities {
    pub(crate) fn intersect(mut self, other: Self) -> Self {
        self.version = self.version.min(other.version);
        self.platforms.extend(other.platforms);
        self.quirks.extend(other.quirks);
        self.commands.retain(|command, options| {
            let others = other.commands.get(command);
            options.retain(|option| others.is_some_and(|others| others.contains(option)));
            others.is_some()
        });
        self.protocols.retain(|protocol| other.protocols.contains(protocol));
        self.image_formats.retain(|format| other.image_formats.contains(format));
        self.settings.retain(|setting| other.settings.contains(setting));
        self
    }

    /// Checks capabilities that a caller described.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.name.is_empty() || !self.name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("its name is not printable ASCII without spaces".to_owned());
        }
        if NAMES.contains(&self.name.as_str()) {
            return Err("its name belongs to a known build".to_owned());
        }
        if self.platforms.is_empty() {
            return Err("it has no platform".to_owned());
        }
        self.commands.iter().try_for_each(|(command, options)| check_command(command, options))
    }
}

fn check_command(command: &str, options: &BTreeSet<String>) -> Result<(), String> {
    let Some(syntax) = CommandSyntax::find(command.as_bytes(), Version::V2_0) else {
        if WITHOUT_SYNTAX.contains(&command) && options.is_empty() {
            return Ok(());
        }
        return Err(format!("iPXE has no command `{command}`"));
    };
    let known = |option: &&String| syntax.all_options.iter().any(|known| known.long == **option);
    match options.iter().find(|option| !known(option)) {
        Some(option) => Err(format!("iPXE's command `{command}` has no option `--{option}`")),
        None => Ok(()),
    }
}
