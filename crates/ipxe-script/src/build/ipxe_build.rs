//! One build of iPXE.

use std::fmt;
use std::sync::Arc;

use crate::build::capabilities::Capabilities;
use crate::build::capability::{ImageFormat, Platform, Protocol, Quirk};
use crate::commands::syntax::CommandSyntax;
use crate::dialect::Version;

/// A build of iPXE, or several at once, as the set of what all of them have.
///
/// A build is cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpxeBuild(pub(crate) Arc<Capabilities>);

impl IpxeBuild {
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

    /// How a command's arguments are read, if the build has the command and it is one that reads
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

impl fmt::Display for IpxeBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
