//! What a configuration must be like before an hour is spent on building it.

pub(crate) mod check;
pub(crate) mod finding;
pub(crate) mod rule;

use std::collections::{BTreeMap, BTreeSet};

use self::rule::{PolicyCheck, Severity};

/// Rules for configurations, each with a severity, checked on what the evaluation gave and so
/// before anything is built.
///
/// The default lets nobody ship an example's SSH key, and warns of what makes a machine hard to
/// reach or easy to enter; [`strict`](Self::strict) is for images that go to production.
///
/// ```
/// use netboot_nix::{NixBuilder, Policy, PolicyCheck, Severity};
///
/// let policy = Policy::strict()
///     .with_severity(PolicyCheck::SerialConsole, Severity::Warn)
///     .with_placeholder("hunter2@laptop")
///     .with_required_package("disko");
/// let builder = NixBuilder::builder("github:example/infrastructure").policy(policy).build()?;
/// # Ok::<(), netboot_nix::Error>(())
/// ```
///
/// What a configuration does not define cannot be checked and is no finding, but for keys: a
/// machine without a user whom a key lets in cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    severities: BTreeMap<PolicyCheck, Severity>,
    placeholders: BTreeSet<String>,
    packages: BTreeSet<String>,
}

/// What the manuals write where a key of one's own belongs.
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
    }
}

impl Policy {
    /// Checks nothing.
    pub fn none() -> Self {
        Self {
            severities: BTreeMap::new(),
            placeholders: PLACEHOLDERS.map(str::to_owned).into(),
            packages: BTreeSet::new(),
        }
    }

    /// Denies every finding.
    pub fn strict() -> Self {
        PolicyCheck::ALL
            .into_iter()
            .fold(Self::none(), |policy, check| policy.with_severity(check, Severity::Deny))
    }

    /// Sets how much the findings of a rule matter.
    #[must_use]
    pub fn with_severity(mut self, check: PolicyCheck, severity: Severity) -> Self {
        self.severities.insert(check, severity);
        self
    }

    /// Adds a text that marks a key as a placeholder where its line holds it, in whatever case.
    #[must_use]
    pub fn with_placeholder(mut self, text: impl Into<String>) -> Self {
        self.placeholders.insert(text.into().to_lowercase());
        self
    }

    /// Adds a package that must be installed, by its name without a version.
    #[must_use]
    pub fn with_required_package(mut self, name: impl Into<String>) -> Self {
        self.packages.insert(name.into());
        self
    }

    /// How much the findings of a rule matter: what no one set is ignored.
    pub fn severity_of(&self, check: PolicyCheck) -> Severity {
        self.severities.get(&check).copied().unwrap_or(Severity::Ignore)
    }

    /// Whether anything is checked at all.
    pub(crate) fn checks_anything(&self) -> bool {
        self.severities.values().any(|severity| *severity != Severity::Ignore)
    }
}
