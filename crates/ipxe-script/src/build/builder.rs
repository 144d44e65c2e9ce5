//! Describing a build of iPXE that is not in the table.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::build::built_in::with_options;
use crate::build::capabilities::Capabilities;
use crate::build::capability::{ImageFormat, Platform, Protocol, Quirk};
use crate::build::ipxe_build::IpxeBuild;
use crate::error::Error;

/// Describes your own build. [`IpxeBuild::customize`] starts one.
///
/// ```
/// use ipxe_script::{IpxeBuild, Protocol};
///
/// // Debian's sources of 1.21, configured with IMAGE_TRUST_CMD and without NFS.
/// let build = "trixie-efi"
///     .parse::<IpxeBuild>()?
///     .customize("signed")
///     .command("imgtrust")
///     .command("imgverify")
///     .without_protocol(Protocol::Nfs)
///     .build()?;
/// assert!(build.has_option("imgverify", "signer"));
/// # Ok::<(), ipxe_script::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct IpxeBuildBuilder {
    capabilities: Capabilities,
    options: BTreeMap<(String, String), bool>,
}

impl IpxeBuildBuilder {
    pub(crate) fn new(name: String, base: &Arc<Capabilities>) -> Self {
        let capabilities = Capabilities { name, ..Capabilities::clone(base) };
        Self { capabilities, options: BTreeMap::new() }
    }

    /// Adds a command with the options that it has in the build's version.
    pub fn command(mut self, name: impl Into<String>) -> Self {
        let (name, options) = with_options(&name.into(), self.capabilities.version);
        self.capabilities.commands.insert(name, options);
        self
    }

    /// Removes a command.
    pub fn without_command(mut self, name: &str) -> Self {
        self.capabilities.commands.remove(name);
        self
    }

    /// Adds an option to a command, given by its long name without the `--`. This is for builds
    /// from sources between two [`Version`](crate::Version)s.
    pub fn option(mut self, command: impl Into<String>, option: impl Into<String>) -> Self {
        self.options.insert((command.into(), option.into()), true);
        self
    }

    /// Removes an option of a command, given by its long name without the `--`.
    pub fn without_option(mut self, command: impl Into<String>, option: impl Into<String>) -> Self {
        self.options.insert((command.into(), option.into()), false);
        self
    }

    /// Adds a protocol.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.capabilities.protocols.insert(protocol);
        self
    }

    /// Removes a protocol.
    pub fn without_protocol(mut self, protocol: Protocol) -> Self {
        self.capabilities.protocols.remove(&protocol);
        self
    }

    /// Adds an image format.
    pub fn image_format(mut self, format: ImageFormat) -> Self {
        self.capabilities.image_formats.insert(format);
        self
    }

    /// Removes an image format.
    pub fn without_image_format(mut self, format: ImageFormat) -> Self {
        self.capabilities.image_formats.remove(&format);
        self
    }

    /// Adds a setting that exists before the script runs: a DHCP option sets it, or the script that
    /// is embedded in the build.
    pub fn setting(mut self, name: impl Into<String>) -> Self {
        self.capabilities.settings.insert(name.into());
        self
    }

    /// Adds a quirk.
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.capabilities.quirks.insert(quirk);
        self
    }

    /// Removes a quirk that was fixed in the source of the build.
    pub fn without_quirk(mut self, quirk: Quirk) -> Self {
        self.capabilities.quirks.remove(&quirk);
        self
    }

    /// Replaces the platforms.
    pub fn platforms(mut self, platforms: impl IntoIterator<Item = Platform>) -> Self {
        self.capabilities.platforms = platforms.into_iter().collect();
        self
    }

    /// Checks the description and returns the build.
    ///
    /// # Errors
    /// [`Error::InvalidBuild`] if the name is empty, is one of [`IpxeBuild::NAMES`], or is not
    /// printable ASCII without spaces; if there is no platform; and for a command or an option that
    /// no version of iPXE has.
    pub fn build(mut self) -> Result<IpxeBuild, Error> {
        for ((command, option), present) in std::mem::take(&mut self.options) {
            let Some(options) = self.capabilities.commands.get_mut(&command) else {
                return Err(self.invalid(format!("it has no command `{command}`")));
            };
            if present {
                options.insert(option);
            } else {
                options.remove(&option);
            }
        }
        self.capabilities.check().map_err(|problem| self.invalid(problem))?;
        Ok(IpxeBuild(Arc::new(self.capabilities)))
    }

    /// Keeps only what `other` also has.
    pub(crate) fn restricted_to(self, other: IpxeBuild) -> Self {
        let capabilities = self.capabilities.intersect(Arc::unwrap_or_clone(other.0));
        Self { capabilities, ..self }
    }

    fn invalid(&self, problem: String) -> Error {
        let name = self.capabilities.name.chars().take(80).collect();
        Error::InvalidBuild { name, problem }
    }
}

impl IpxeBuild {
    /// Starts the description of your own build as a copy of this one.
    pub fn customize(&self, name: impl Into<String>) -> IpxeBuildBuilder {
        IpxeBuildBuilder::new(name.into(), &self.0)
    }

    /// Returns what all of these builds have, for scripts that serve all of them. Its version is
    /// the oldest one, and it has the quirks of every build.
    ///
    /// # Errors
    /// [`Error::InvalidBuild`] without a build, and for a name that is invalid or belongs to a
    /// known build.
    pub fn common(
        name: impl Into<String>,
        builds: impl IntoIterator<Item = Self>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let mut builds = builds.into_iter();
        let Some(first) = builds.next() else {
            let problem = "it is made of no build".to_owned();
            return Err(Error::InvalidBuild { name: name.chars().take(80).collect(), problem });
        };
        let common = first.customize(name);
        builds.fold(common, IpxeBuildBuilder::restricted_to).build()
    }
}
