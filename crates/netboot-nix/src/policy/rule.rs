//! The rules of a policy and their severities.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rule of a [`Policy`](crate::Policy).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PolicyCheck {
    /// An operator can log in: a user has an SSH key, and OpenSSH is enabled.
    AuthorizedKeys,
    /// No SSH key is a placeholder or invalid.
    PlaceholderKeys,
    /// root has no password.
    RootPassword,
    /// A serial console is among the kernel parameters.
    SerialConsole,
    /// The profile's services are not enabled in the netboot image.
    ServicesDisabled,
    /// The profile's packages are installed. Each service needs a package with its name, or with a
    /// name that starts with its name and a hyphen. The packages of
    /// [`Policy::with_required_package`](crate::Policy::with_required_package) are needed too.
    PackagesPresent,
    /// No file below `/etc` has the name of a private key. Anybody can read the Nix store and an
    /// image.
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

    /// The name of the rule, such as `placeholder-keys`.
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
