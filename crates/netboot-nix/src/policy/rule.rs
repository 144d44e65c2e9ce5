//! The rules of a policy, and how much each matters.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "callers match on it, and there are three levels")]
pub enum Severity {
    /// It is not looked for.
    Ignore,
    /// It is reported, and the build goes on.
    Warn,
    /// The profile is not built.
    Deny,
}

/// A rule of a [`Policy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PolicyCheck {
    /// Somebody can log in: a user has an SSH key, and OpenSSH is enabled.
    AuthorizedKeys,
    /// No SSH key is a placeholder, or none at all.
    PlaceholderKeys,
    /// root has no password, known or empty.
    RootPassword,
    /// A serial console is among the kernel parameters.
    SerialConsole,
    /// The profile's services are not enabled in the netboot image.
    ServicesDisabled,
    /// The profile's packages are installed: for each service one of its name, or whose name
    /// begins with it and a hyphen, and those that [`Policy::with_required_package`] names.
    PackagesPresent,
    /// No file below `/etc` has the name of a private key: the Nix store, and an image, can be
    /// read by everybody.
    SecretFiles,
}

impl PolicyCheck {
    /// Every rule.
    pub const ALL: [Self; 7] = [
        Self::AuthorizedKeys,
        Self::PlaceholderKeys,
        Self::RootPassword,
        Self::SerialConsole,
        Self::ServicesDisabled,
        Self::PackagesPresent,
        Self::SecretFiles,
    ];

    /// The name, such as `placeholder-keys`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizedKeys => "authorized-keys",
            Self::PlaceholderKeys => "placeholder-keys",
            Self::RootPassword => "root-password",
            Self::SerialConsole => "serial-console",
            Self::ServicesDisabled => "services-disabled",
            Self::PackagesPresent => "packages-present",
            Self::SecretFiles => "secret-files",
        }
    }
}

impl fmt::Display for PolicyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
