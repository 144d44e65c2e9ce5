use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::built_in::with_options;
use super::capability::{ImageFormat, Platform, Protocol, Quirk};
use super::{Capabilities, Target};
use crate::Error;
use crate::script::{CommandSyntax, Version};

/// Describes a build of your own, for [`Target::customize`].
///
/// ```
/// use netboot_ipxe::{Protocol, Target};
///
/// // Debian's sources of 1.21, configured with IMAGE_TRUST_CMD and without NFS.
/// let target = "trixie-efi"
///     .parse::<Target>()?
///     .customize("signed")
///     .command("imgtrust")
///     .command("imgverify")
///     .without_protocol(Protocol::Nfs)
///     .build()?;
/// assert!(target.has_option("imgverify", "signer"));
/// # Ok::<(), netboot_ipxe::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct TargetBuilder {
    capabilities: Capabilities,
    options: BTreeMap<(String, String), bool>,
}

impl TargetBuilder {
    pub(super) fn new(name: String, base: &Arc<Capabilities>) -> Self {
        let capabilities = Capabilities { name, ..Capabilities::clone(base) };
        Self { capabilities, options: BTreeMap::new() }
    }

    /// Adds a command, with the options that the target's version has.
    pub fn command(mut self, name: impl Into<String>) -> Self {
        let (name, options) = with_options(&name.into(), self.capabilities.version);
        self.capabilities.commands.insert(name, options);
        self
    }

    /// Takes a command away.
    pub fn without_command(mut self, name: &str) -> Self {
        self.capabilities.commands.remove(name);
        self
    }

    /// Adds an option to a command, by its long name without the `--`: for a build from sources
    /// between two [`Version`]s.
    pub fn option(mut self, command: impl Into<String>, option: impl Into<String>) -> Self {
        self.options.insert((command.into(), option.into()), true);
        self
    }

    /// Takes an option of a command away, by its long name without the `--`.
    pub fn without_option(mut self, command: impl Into<String>, option: impl Into<String>) -> Self {
        self.options.insert((command.into(), option.into()), false);
        self
    }

    /// Adds a protocol.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.capabilities.protocols.insert(protocol);
        self
    }

    /// Takes a protocol away.
    pub fn without_protocol(mut self, protocol: Protocol) -> Self {
        self.capabilities.protocols.remove(&protocol);
        self
    }

    /// Adds a format of images.
    pub fn image_format(mut self, format: ImageFormat) -> Self {
        self.capabilities.image_formats.insert(format);
        self
    }

    /// Takes a format of images away.
    pub fn without_image_format(mut self, format: ImageFormat) -> Self {
        self.capabilities.image_formats.remove(&format);
        self
    }

    /// Adds a setting that is there without a script having set it: by a DHCP server's option, or
    /// by the script that the build embeds.
    pub fn setting(mut self, name: impl Into<String>) -> Self {
        self.capabilities.settings.insert(name.into());
        self
    }

    /// Adds a quirk.
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.capabilities.quirks.insert(quirk);
        self
    }

    /// Takes a quirk away, of a build whose source was corrected.
    pub fn without_quirk(mut self, quirk: Quirk) -> Self {
        self.capabilities.quirks.remove(&quirk);
        self
    }

    /// Takes the place of the platforms of the target that this one began as.
    pub fn platforms(mut self, platforms: impl IntoIterator<Item = Platform>) -> Self {
        self.capabilities.platforms = platforms.into_iter().collect();
        self
    }

    /// The target.
    ///
    /// # Errors
    /// [`Error::InvalidTarget`] when the name is empty, is one of [`Target::NAMES`] or is not a
    /// name of printable ASCII without spaces, when there is no platform, and for a command or an
    /// option that no version of iPXE has.
    pub fn build(mut self) -> Result<Target, Error> {
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
        Ok(Target(Arc::new(self.capabilities)))
    }

    /// Keeps only what `other` has as well.
    pub(super) fn restricted_to(self, other: Target) -> Self {
        let capabilities = self.capabilities.intersect(Arc::unwrap_or_clone(other.0));
        Self { capabilities, ..self }
    }

    fn invalid(&self, problem: String) -> Error {
        let name = self.capabilities.name.chars().take(80).collect();
        Error::InvalidTarget { name, problem }
    }
}

impl Capabilities {
    /// Says what is wrong with capabilities that somebody else put together.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.name.is_empty() || !self.name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("its name is not printable ASCII without spaces".to_owned());
        }
        if Target::NAMES.contains(&self.name.as_str()) {
            return Err("its name is that of a target that is known".to_owned());
        }
        if self.platforms.is_empty() {
            return Err("it has no platform".to_owned());
        }
        self.commands.iter().try_for_each(|(command, options)| check_command(command, options))
    }
}

fn check_command(command: &str, options: &BTreeSet<String>) -> Result<(), String> {
    let Some(syntax) = CommandSyntax::find(command.as_bytes(), Version::V2_0) else {
        if super::WITHOUT_SYNTAX.contains(&command) && options.is_empty() {
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
