//! What a machine boots.

use std::fmt;
use std::sync::Arc;

use netboot_core::{Artifact, KernelParameter, ProfileName, ReleasePath};

use crate::dispatch::key::MachineKey;
use crate::dispatch::key_text::MachineName;
use crate::dispatch::selector::Selector;
use crate::script_url::ScriptUrl;

/// What a machine, or a group of machines, boots: a profile, and what differs from it.
///
/// ```
/// use netboot_ipxe::{Assignment, MachineKey};
///
/// let machine = Assignment::new("node-1".parse()?, "worker".parse()?)
///     .with_key(MachineKey::Mac("52:54:00:12:34:56".parse()?))
///     .with_kernel_parameter("systemd.hostname=node-1".parse()?);
/// assert_eq!(machine.selectors().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Assignment {
    name: MachineName,
    profile: ProfileName,
    selectors: Vec<Selector>,
    parameters: Vec<KernelParameter>,
    overlay: Option<Arc<dyn Artifact>>,
    boot_once: Option<BootOnce>,
}

impl Assignment {
    /// Begins with the name of the machine or group, and the profile (or family of profiles) that
    /// it boots.
    pub fn new(name: MachineName, profile: ProfileName) -> Self {
        Self {
            name,
            profile,
            selectors: Vec::new(),
            parameters: Vec::new(),
            overlay: None,
            boot_once: None,
        }
    }

    /// Adds a key, which by itself is enough to match: a machine with two network cards has two.
    #[must_use]
    pub fn with_key(self, key: MachineKey) -> Self {
        self.with_selector(key.into())
    }

    /// Adds a selector. Any one that matches is enough.
    #[must_use]
    pub fn with_selector(mut self, selector: Selector) -> Self {
        self.selectors.push(selector);
        self
    }

    /// Adds a kernel parameter behind those of the image.
    #[must_use]
    pub fn with_kernel_parameter(mut self, parameter: KernelParameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Gives the machine one more initrd behind those of the image, whose files replace those of
    /// the same name: a host key, a configuration. It is an [`Initrd`](netboot_core::ArtifactKind)
    /// in the `newc` format of cpio, compressed (by gzip, for example): where iPXE of 2019 runs
    /// under UEFI, Linux joins initrds without a gap, and takes an archive that is not compressed
    /// only at a multiple of four bytes (`init/initramfs.c`). Otherwise it boots without the files.
    /// Anybody who can read the target can read it.
    #[must_use]
    pub fn with_overlay(mut self, overlay: Arc<dyn Artifact>) -> Self {
        self.overlay = Some(overlay);
        self
    }

    /// Boots the profile only while a token lies somewhere, and the local disk otherwise.
    #[must_use]
    pub fn with_boot_once(mut self, boot_once: BootOnce) -> Self {
        self.boot_once = Some(boot_once);
        self
    }

    /// The name.
    pub fn name(&self) -> &MachineName {
        &self.name
    }

    /// The profile.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    /// Which machines it is for.
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

    /// When it boots the profile only while a token is there.
    pub fn boot_once(&self) -> Option<&BootOnce> {
        self.boot_once.as_ref()
    }
}

/// Lets a machine boot its profile while a token can be fetched, and its local disk otherwise.
///
/// A script fetches the token before anything else. What a plain file server can do with that is a
/// switch: somebody puts the token there (an empty line is enough, since iPXE refuses empty files)
/// and takes it away when the machine is installed. To boot exactly *once* the taking away has to
/// happen by itself, which a file server cannot do: give a URL that uses the token up
/// ([`with_consume_url`](Self::with_consume_url)). It is fetched after the token and before the
/// image, and unless it answers with success the machine boots its disk: better installed never
/// than twice.
///
/// Where the server does not answer at all, the machine boots its local disk too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootOnce {
    token: TokenPlace,
    consume: Option<ScriptUrl>,
}

/// Where a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    File(ReleasePath),
    Url(ScriptUrl),
}

impl BootOnce {
    /// The token is the file at `path` below the root of the target.
    pub fn file(path: ReleasePath) -> Self {
        Self { token: TokenPlace::File(path), consume: None }
    }

    /// The token is what a service answers at `url`.
    pub fn url(url: ScriptUrl) -> Self {
        Self { token: TokenPlace::Url(url), consume: None }
    }

    /// Fetches `url` to use the token up.
    #[must_use]
    pub fn with_consume_url(mut self, url: ScriptUrl) -> Self {
        self.consume = Some(url);
        self
    }

    pub(crate) fn token(&self) -> &TokenPlace {
        &self.token
    }

    /// The URLs in it that are not relative to the target.
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
