//! One build of iPXE.

use std::fmt;
use std::sync::Arc;

use crate::build::capabilities::Capabilities;
use crate::build::capability::{ImageFormat, Platform, Protocol, Quirk};
use crate::commands::syntax::CommandSyntax;
use crate::dialect::Version;

/// A build of iPXE, or what several builds have in common.
///
/// Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpxeBuild(pub(crate) Arc<Capabilities>);

impl IpxeBuild {
    /// The name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The version of iPXE.
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// The firmware that it runs on. There are several for a script that serves them all.
    pub fn platforms(&self) -> impl Iterator<Item = Platform> {
        self.0.platforms.iter().copied()
    }

    /// Returns true if it runs on machines with this firmware.
    pub fn runs_on(&self, platform: Platform) -> bool {
        self.0.platforms.contains(&platform)
    }

    /// The names of its commands, in alphabetical order.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.0.commands.keys().map(String::as_str)
    }

    /// Returns true if it has the command.
    pub fn has_command(&self, command: &str) -> bool {
        self.0.commands.contains_key(command)
    }

    /// The options and arguments of a command. Returns `None` if the build does not have the
    /// command, and for `shell` and `help`, which ignore their arguments.
    pub fn syntax(&self, command: &str) -> Option<&'static CommandSyntax> {
        let known = CommandSyntax::find(command.as_bytes(), Version::V2_0)?;
        self.has_command(command).then_some(known)
    }

    /// The long names of the options of a command, without the `--`. The option `help`, which every
    /// command has, is left out.
    pub fn options_of(&self, command: &str) -> impl Iterator<Item = &str> {
        self.0.commands.get(command).into_iter().flatten().map(String::as_str)
    }

    /// Returns true if the command has the option, given by its long name without the `--`.
    pub fn has_option(&self, command: &str, option: &str) -> bool {
        self.0.commands.get(command).is_some_and(|options| options.contains(option))
    }

    /// Returns true if it can open URLs of the protocol.
    pub fn has_protocol(&self, protocol: Protocol) -> bool {
        self.0.protocols.contains(&protocol)
    }

    /// The protocols of the URLs that it can open.
    pub fn protocols(&self) -> impl Iterator<Item = Protocol> {
        self.0.protocols.iter().copied()
    }

    /// Returns true if all its machines can start files of the format.
    pub fn has_image_format(&self, format: ImageFormat) -> bool {
        self.0.image_formats.contains(&format)
    }

    /// The formats of the files that all its machines can start.
    pub fn image_formats(&self) -> impl Iterator<Item = ImageFormat> {
        self.0.image_formats.iter().copied()
    }

    /// The names of the settings that a machine or a DHCP server sets, such as `mac`.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.0.settings.iter().map(String::as_str)
    }

    /// Returns true if a machine or a DHCP server sets the setting.
    pub fn has_setting(&self, name: &str) -> bool {
        self.0.settings.contains(name)
    }

    /// Returns true if some of its machines have the quirk.
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
