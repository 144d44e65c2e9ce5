//! Builds of iPXE: what a script may use on the machines that it is for.
//!
//! iPXE is configured when it is built, so builds of one version differ in what they have. A script
//! is rendered and [linted](crate::lint) for a target, and nothing is in it that the target lacks.
//!
//! ```
//! use netboot_ipxe::{Protocol, Target};
//!
//! let oldest = Target::default();
//! assert_eq!(oldest.to_string(), "bookworm");
//! assert!(oldest.has_command("imgfree") && !oldest.has_command("poweroff"));
//!
//! let newer: Target = "sid-efi".parse()?;
//! assert!(newer.has_protocol(Protocol::Https) && newer.has_option("sha256sum", "set"));
//! # Ok::<(), netboot_ipxe::Error>(())
//! ```

mod build_configuration;
mod builder;
mod built_in;
mod capability;
mod document;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use self::builder::TargetBuilder;
pub use self::capability::{ImageFormat, Platform, Protocol, Quirk};
use crate::Error;
use crate::script::{CommandSyntax, Version};

/// Commands that take whatever arguments there are, and look at none.
pub(crate) const WITHOUT_SYNTAX: [&str; 2] = ["help", "shell"];

/// A build of iPXE, or several at once, as the set of what all of them have.
///
/// A target is cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Arc<Capabilities>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Capabilities {
    name: String,
    version: Version,
    platforms: BTreeSet<Platform>,
    /// The options of each command, by their long names.
    commands: BTreeMap<String, BTreeSet<String>>,
    protocols: BTreeSet<Protocol>,
    image_formats: BTreeSet<ImageFormat>,
    settings: BTreeSet<String>,
    quirks: BTreeSet<Quirk>,
}

impl Target {
    /// The names of the targets that are known, the default first: Debian's builds of 2019
    /// (`bookworm`), 1.21 (`trixie`) and 2.0 (`sid`), and ipxe.org's default builds of 2.0
    /// (`ipxe-2.0`); each for machines with a BIOS (`-bios`), with UEFI (`-efi`), or for scripts
    /// that serve both.
    pub const NAMES: [&'static str; 12] = [
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

    /// All targets that are known, in the order of their [`NAMES`](Self::NAMES).
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.into_iter().filter_map(built_in::find)
    }

    /// A target of your own, which begins as a copy of this one.
    pub fn customize(&self, name: impl Into<String>) -> TargetBuilder {
        TargetBuilder::new(name.into(), &self.0)
    }

    /// What all of these targets have, for scripts that serve all of them. Its version is the
    /// oldest of theirs, and it has the quirks of each.
    ///
    /// # Errors
    /// [`Error::InvalidTarget`] without a target, and for a name that cannot be one or is that of
    /// a target that is known.
    pub fn common(
        name: impl Into<String>,
        targets: impl IntoIterator<Item = Self>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let mut targets = targets.into_iter();
        let Some(first) = targets.next() else {
            let problem = "there is no target of which it could have something".to_owned();
            return Err(Error::InvalidTarget { name: name.chars().take(80).collect(), problem });
        };
        let common = first.customize(name);
        targets.fold(common, TargetBuilder::restricted_to).build()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The version whose rules it keeps.
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// The firmware that it runs on: one, or several for a script that serves them all.
    pub fn platforms(&self) -> impl Iterator<Item = Platform> {
        self.0.platforms.iter().copied()
    }

    /// Whether machines with this firmware are among those that it is for.
    pub fn runs_on(&self, platform: Platform) -> bool {
        self.0.platforms.contains(&platform)
    }

    /// Its commands, by name.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.0.commands.keys().map(String::as_str)
    }

    /// Whether it has a command.
    pub fn has_command(&self, command: &str) -> bool {
        self.0.commands.contains_key(command)
    }

    /// How a command's arguments are read, if the target has the command and it is one that reads
    /// them: `shell` and `help` take whatever is there.
    pub fn syntax(&self, command: &str) -> Option<&'static CommandSyntax> {
        let known = CommandSyntax::find(command.as_bytes(), Version::V2_0)?;
        self.has_command(command).then_some(known)
    }

    /// The long names of the options that a command has, without the `--`; `help` apart, which all
    /// have.
    pub fn options_of(&self, command: &str) -> impl Iterator<Item = &str> {
        self.0.commands.get(command).into_iter().flatten().map(String::as_str)
    }

    /// Whether a command has an option, by its long name without the `--`.
    pub fn has_option(&self, command: &str, option: &str) -> bool {
        self.0.commands.get(command).is_some_and(|options| options.contains(option))
    }

    /// Whether it can open the URLs of a protocol.
    pub fn has_protocol(&self, protocol: Protocol) -> bool {
        self.0.protocols.contains(&protocol)
    }

    /// The protocols whose URLs it can open.
    pub fn protocols(&self) -> impl Iterator<Item = Protocol> {
        self.0.protocols.iter().copied()
    }

    /// Whether all its machines can start files of a format.
    pub fn has_image_format(&self, format: ImageFormat) -> bool {
        self.0.image_formats.contains(&format)
    }

    /// The formats of the files that all its machines can start.
    pub fn image_formats(&self) -> impl Iterator<Item = ImageFormat> {
        self.0.image_formats.iter().copied()
    }

    /// The settings that a machine or a DHCP server sets without a script, by name, such as `mac`.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.0.settings.iter().map(String::as_str)
    }

    /// Whether a machine or a DHCP server sets this setting.
    pub fn has_setting(&self, name: &str) -> bool {
        self.0.settings.contains(name)
    }

    /// Whether some of its machines have a quirk.
    pub fn has_quirk(&self, quirk: Quirk) -> bool {
        self.0.quirks.contains(&quirk)
    }

    /// The quirks of its machines.
    pub fn quirks(&self) -> impl Iterator<Item = Quirk> {
        self.0.quirks.iter().copied()
    }
}

impl Default for Target {
    /// Debian bookworm's build of 2019, the oldest that people run, with a BIOS or UEFI.
    fn default() -> Self {
        built_in::oldest()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Capabilities {
    fn intersect(mut self, other: Self) -> Self {
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
}
