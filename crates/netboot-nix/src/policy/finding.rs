//! The findings of a policy.

use std::fmt;

use serde::Serialize;

use crate::policy::rule::PolicyCheck;
use netboot_core::secret_scan::Severity;

/// A rule of a [`Policy`](crate::Policy) that a configuration breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PolicyFinding {
    /// The severity: [`Severity::Warn`] or [`Severity::Deny`].
    pub severity: Severity,
    /// The problem.
    #[serde(flatten)]
    pub problem: PolicyProblem,
}

impl PolicyFinding {
    /// A problem with its severity.
    pub fn new(severity: Severity, problem: PolicyProblem) -> Self {
        Self { severity, problem }
    }
}

/// The problem with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PolicyProblem {
    /// No user has an SSH key.
    NoAuthorizedKey,
    /// OpenSSH is disabled.
    SshDisabled,
    /// A key contains a text that marks it as a placeholder.
    PlaceholderKey {
        /// The user that the key belongs to.
        user: String,
        /// The line of the key.
        key: String,
        /// The text.
        mark: String,
    },
    /// A line of the authorized keys has no complete public key.
    UnreadableKey {
        /// The user that the key should belong to.
        user: String,
        /// The line of the key.
        key: String,
        /// The problem with the line.
        reason: String,
    },
    /// root has a password. Anybody who can read the image can read the password, or guess it from
    /// its hash.
    RootPassword {
        /// The option that sets the password.
        option: String,
        /// True if the password is empty, so that anybody at a console is root.
        empty: bool,
    },
    /// No kernel parameter names a serial console.
    NoSerialConsole,
    /// A service of the profile is enabled. It would start during the installation of a machine.
    ServiceEnabled {
        /// The service.
        service: String,
    },
    /// A package is not installed.
    PackageMissing {
        /// The name of the package, or of the service that it should contain.
        package: String,
    },
    /// A file has the name of a private key.
    SecretFile {
        /// The path of the file.
        path: String,
    },
}

impl PolicyProblem {
    /// The rule that finds this problem.
    pub fn check(&self) -> PolicyCheck {
        match self {
            Self::NoAuthorizedKey | Self::SshDisabled => PolicyCheck::AuthorizedKeys,
            Self::PlaceholderKey { .. } | Self::UnreadableKey { .. } => {
                PolicyCheck::PlaceholderKeys
            }
            Self::RootPassword { .. } => PolicyCheck::RootPassword,
            Self::NoSerialConsole => PolicyCheck::SerialConsole,
            Self::ServiceEnabled { .. } => PolicyCheck::ServicesDisabled,
            Self::PackageMissing { .. } => PolicyCheck::PackagesPresent,
            Self::SecretFile { .. } => PolicyCheck::SecretFiles,
        }
    }

    /// A remedy for the problem.
    pub fn hint(&self) -> String {
        match self {
            Self::NoAuthorizedKey => "set `users.users.root.openssh.authorizedKeys.keys`, or give \
                                      the builder an override with a key"
                .to_owned(),
            Self::SshDisabled => "set `services.openssh.enable = true`".to_owned(),
            Self::PlaceholderKey { user, .. } | Self::UnreadableKey { user, .. } => {
                format!("put your own key into the authorized keys of `{user}`")
            }
            Self::RootPassword { option, .. } => {
                format!("set `users.users.root.{option}` to `null`, and give root an SSH key")
            }
            Self::NoSerialConsole => {
                "add `console=ttyS0,115200` (on ARM, `console=ttyAMA0,115200`) \
                                      to `boot.kernelParams`, so that an operator can see why a \
                                      machine in a rack does not boot"
                    .to_owned()
            }
            Self::ServiceEnabled { service } => format!(
                "set `services.{service}.enable = false` in the netboot image, and enable the \
                 service in the system that is installed; if the image itself is the system, \
                 ignore the rule `services-disabled`"
            ),
            Self::PackageMissing { package } => {
                format!("add the package `{package}` to `environment.systemPackages`")
            }
            Self::SecretFile { .. } => {
                "remove the file from the configuration, and copy it to the \
                                        machine after boot"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for PolicyFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAuthorizedKey => f.write_str("no user has an authorized SSH key"),
            Self::SshDisabled => f.write_str("OpenSSH is disabled"),
            Self::PlaceholderKey { user, key, mark } => {
                write!(f, "the SSH key `{key}` of `{user}` is a placeholder: it contains `{mark}`")
            }
            Self::UnreadableKey { user, key, reason } => {
                write!(f, "the SSH key `{key}` of `{user}` is invalid: {reason}")
            }
            Self::RootPassword { option, empty: false } => {
                write!(f, "root has a password, set by `{option}`")
            }
            Self::RootPassword { option, empty: true } => {
                write!(f, "root has an empty password, set by `{option}`")
            }
            Self::NoSerialConsole => f.write_str("no kernel parameter names a serial console"),
            Self::ServiceEnabled { service } => write!(
                f,
                "the service `{service}` is enabled, and would start on every machine that only \
                 boots the image to be installed"
            ),
            Self::PackageMissing { package } => {
                write!(
                    f,
                    "no installed package has the name `{package}` or a name that starts with it"
                )
            }
            Self::SecretFile { path } => {
                write!(f, "the file {path} has the name of a private key")
            }
        }
    }
}
