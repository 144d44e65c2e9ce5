//! The image that a machine boots.

use std::fmt;
use std::sync::Arc;

use netboot_core::{Artifact, InvalidValue, KernelParameter, ProfileName, ReleasePath};
use url::Url;

use crate::dispatch::key::MachineKey;
use crate::dispatch::key_text::MachineName;
use crate::dispatch::selector::Selector;
use crate::error::Error;
use crate::script_url::ScriptUrl;

/// The image that a machine or a group of machines boots: a profile, and the differences from it.
///
/// ```
/// use netboot_ipxe::{Assignment, MachineKey};
///
/// let machine = Assignment::new("node-1", "worker")?
///     .with_key(MachineKey::mac("52:54:00:12:34:56")?)
///     .with_kernel_parameter("systemd.hostname=node-1")?;
/// assert_eq!(machine.selectors().len(), 1);
/// # Ok::<(), netboot_ipxe::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Assignment {
    name: MachineName,
    profile: ProfileName,
    selectors: Vec<Selector>,
    parameters: Vec<KernelParameter>,
    overlay: Option<Arc<dyn Artifact>>,
    boot_once: Option<BootOnce>,
    report_url: Option<ScriptUrl>,
}

impl Assignment {
    /// Starts with the name of the machine or group, and the profile or family of profiles that it
    /// boots.
    ///
    /// # Errors
    /// [`Error::InvalidMachineKey`] for a text that is not a name of a machine, [`Error::Core`] for
    /// a text that is not the name of a profile.
    pub fn new(
        name: impl TryInto<MachineName, Error: Into<Error>>,
        profile: impl TryInto<ProfileName, Error: Into<InvalidValue>>,
    ) -> Result<Self, Error> {
        Ok(Self {
            name: name.try_into().map_err(Into::into)?,
            profile: profile.try_into().map_err(Into::into)?,
            selectors: Vec::new(),
            parameters: Vec::new(),
            overlay: None,
            boot_once: None,
            report_url: None,
        })
    }

    /// Adds a key that is enough to match by itself. A machine with two network cards has two such
    /// keys.
    #[must_use]
    pub fn with_key(self, key: MachineKey) -> Self {
        self.with_selector(key.into())
    }

    /// Adds a selector. It is enough if one selector matches.
    #[must_use]
    pub fn with_selector(mut self, selector: Selector) -> Self {
        self.selectors.push(selector);
        self
    }

    /// Adds a kernel parameter after those of the image.
    ///
    /// # Errors
    /// [`InvalidValue`] for a text that is not a kernel parameter.
    pub fn with_kernel_parameter<P: TryInto<KernelParameter>>(
        mut self,
        parameter: P,
    ) -> Result<Self, P::Error> {
        self.parameters.push(parameter.try_into()?);
        Ok(self)
    }

    /// Gives the machine one more initrd after those of the image. Its files replace files of the
    /// same name: for example a host key or a configuration. Everybody who can read the target can
    /// read it.
    ///
    /// It is an [`Initrd`](netboot_core::ArtifactKind) in the `newc` format of cpio, and must be
    /// compressed, for example with gzip. With iPXE of 2019 under UEFI, Linux gets all initrds
    /// joined without a gap, and reads an uncompressed archive only at a multiple of four bytes
    /// (`init/initramfs.c`). Otherwise the machine boots without the files.
    #[must_use]
    pub fn with_overlay(mut self, overlay: impl Artifact + 'static) -> Self {
        self.overlay = Some(Arc::new(overlay));
        self
    }

    /// Boots the profile only while a token exists, and the local disk otherwise.
    #[must_use]
    pub fn with_boot_once(mut self, boot_once: BootOnce) -> Self {
        self.boot_once = Some(boot_once);
        self
    }

    /// Lets the machine report to its own URL instead of that of the renderer, in a script of
    /// [`render_machine`](crate::Renderer::render_machine). A service that gives each answer a URL
    /// of its own can tell which answer a report belongs to.
    ///
    /// # Errors
    /// [`Error::Unprintable`].
    pub fn with_report_url(mut self, url: &Url) -> Result<Self, Error> {
        self.report_url = Some(ScriptUrl::absolute(url)?.with_more_parameters());
        Ok(self)
    }

    /// The URL to which this machine alone reports, up to the parameter `stage`.
    pub(crate) fn report_url(&self) -> Option<&ScriptUrl> {
        self.report_url.as_ref()
    }

    /// The name.
    pub fn name(&self) -> &MachineName {
        &self.name
    }

    /// The profile.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    /// The selectors of its machines.
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// The additional kernel parameters.
    pub fn parameters(&self) -> &[KernelParameter] {
        &self.parameters
    }

    /// The additional initrd.
    pub fn overlay(&self) -> Option<&Arc<dyn Artifact>> {
        self.overlay.as_ref()
    }

    /// The token without which it does not boot the profile.
    pub fn boot_once(&self) -> Option<&BootOnce> {
        self.boot_once.as_ref()
    }
}

/// Lets a machine boot its profile while it can fetch a token, and its local disk otherwise.
///
/// A script fetches the token first. With a plain file server, the token is a switch: you put the
/// token there (one empty line is enough, but iPXE refuses empty files), and remove it when the
/// machine is installed.
///
/// To boot exactly *once*, something has to remove the token by itself, which a file server cannot
/// do. Give a URL that removes it ([`with_consume_url`](Self::with_consume_url)). The script
/// fetches that URL after the token and before the image. If it does not succeed, the machine boots
/// its disk: it is better not to install a machine than to install it twice.
///
/// If the server does not answer, the machine also boots its local disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootOnce {
    token: TokenPlace,
    consume: Option<ScriptUrl>,
}

/// The place of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    File(ReleasePath),
    Url(ScriptUrl),
}

impl BootOnce {
    /// The token is the file at `path` below the root of the target.
    ///
    /// # Errors
    /// [`InvalidValue`] for a text that is not a path.
    pub fn file<P: TryInto<ReleasePath>>(path: P) -> Result<Self, P::Error> {
        Ok(Self { token: TokenPlace::File(path.try_into()?), consume: None })
    }

    /// The token is the answer of a service at `url`.
    pub fn url(url: ScriptUrl) -> Self {
        Self { token: TokenPlace::Url(url), consume: None }
    }

    /// Fetches `url` to remove the token.
    #[must_use]
    pub fn with_consume_url(mut self, url: ScriptUrl) -> Self {
        self.consume = Some(url);
        self
    }

    pub(crate) fn token(&self) -> &TokenPlace {
        &self.token
    }

    /// Its URLs that are not relative to the target.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &ScriptUrl> {
        let token = match &self.token {
            TokenPlace::Url(url) => Some(url),
            TokenPlace::File(_) => None,
        };
        token.into_iter().chain(&self.consume)
    }

    pub(crate) fn consuming_url(&self) -> Option<&ScriptUrl> {
        self.consume.as_ref()
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} boots {}", self.name, self.profile)
    }
}
