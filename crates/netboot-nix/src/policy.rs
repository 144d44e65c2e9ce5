//! Rules for configurations, checked before a build takes an hour.

pub(crate) mod check;
pub(crate) mod finding;
pub(crate) mod rule;

use std::collections::{BTreeMap, BTreeSet};

use netboot_core::secret_scan::{SecretPolicy, Severity};

use self::rule::PolicyCheck;

/// Rules for configurations, each with a severity. They are checked after the evaluation and before
/// the build.
///
/// The default denies placeholder SSH keys, and secrets in the image; see [`SecretPolicy`]. It
/// warns of settings that make a machine hard to reach or easy to break into.
/// [`strict`](Self::strict) is for production images.
///
/// ```
/// use netboot_nix::{NixBuilder, Policy, PolicyCheck, Severity};
///
/// let policy = Policy::strict()
///     .with_severity(PolicyCheck::SerialConsole, Severity::Warn)
///     .with_placeholder("hunter2@laptop")
///     .with_required_package("disko");
/// let builder = NixBuilder::options("github:example/infrastructure").policy(policy).build()?;
/// # Ok::<(), netboot_nix::Error>(())
/// ```
///
/// A value that the configuration does not define is not checked. SSH keys are an exception:
/// without any key, nobody can reach the machine.
#[derive(Debug, Clone)]
pub struct Policy {
    severities: BTreeMap<PolicyCheck, Severity>,
    placeholders: BTreeSet<String>,
    packages: BTreeSet<String>,
    pub(crate) secrets: SecretPolicy,
}

/// Placeholders for keys in manuals.
const PLACEHOLDERS: [&str; 6] =
    ["...", "…", "example", "placeholder", "changeme", "your-provisioning-key"];

impl Default for Policy {
    fn default() -> Self {
        Self::none()
            .with_severity(PolicyCheck::AuthorizedKeys, Severity::Warn)
            .with_severity(PolicyCheck::PlaceholderKeys, Severity::Deny)
            .with_severity(PolicyCheck::RootPassword, Severity::Warn)
            .with_severity(PolicyCheck::SerialConsole, Severity::Warn)
            .with_severity(PolicyCheck::SecretFiles, Severity::Warn)
            .with_secrets(SecretPolicy::default())
    }
}

impl Policy {
    /// A policy that checks nothing.
    pub fn none() -> Self {
        Self {
            severities: BTreeMap::new(),
            placeholders: PLACEHOLDERS.map(str::to_owned).into(),
            packages: BTreeSet::new(),
            secrets: SecretPolicy::none(),
        }
    }

    /// A policy that denies every finding. So it also refuses an image with an enabled service of
    /// its profile, because the service would start on every machine that only boots the image to
    /// be installed. For images that are the system itself, ignore
    /// [`PolicyCheck::ServicesDisabled`].
    pub fn strict() -> Self {
        PolicyCheck::ALL
            .into_iter()
            .fold(Self::none(), |policy, check| policy.with_severity(check, Severity::Deny))
            .with_secrets(SecretPolicy::strict())
    }

    /// Sets which secrets an image may contain. They are looked for after the build and before
    /// anything is sent to a binary cache, in every file of the closures of the system and of
    /// NixOS's option `netboot.storeContents`, in the derivations and sources that they are built
    /// from, in the initrd, in the build log, and among the kernel parameters.
    #[must_use]
    pub fn with_secrets(mut self, secrets: SecretPolicy) -> Self {
        self.secrets = secrets;
        self
    }

    /// Sets the severity of a rule.
    #[must_use]
    pub fn with_severity(mut self, check: PolicyCheck, severity: Severity) -> Self {
        self.severities.insert(check, severity);
        self
    }

    /// Adds a text that marks a key as a placeholder, in upper or lower case.
    #[must_use]
    pub fn with_placeholder(mut self, text: impl Into<String>) -> Self {
        self.placeholders.insert(text.into().to_lowercase());
        self
    }

    /// Adds the name of a package, without a version, that must be installed.
    #[must_use]
    pub fn with_required_package(mut self, name: impl Into<String>) -> Self {
        self.packages.insert(name.into());
        self
    }

    /// The severity of a rule. A rule without a severity is ignored.
    pub fn severity_of(&self, check: PolicyCheck) -> Severity {
        self.severities.get(&check).copied().unwrap_or(Severity::Ignore)
    }

    /// Returns true if any rule is checked.
    pub(crate) fn checks_anything(&self) -> bool {
        self.severities.values().any(|severity| *severity != Severity::Ignore)
    }
}
