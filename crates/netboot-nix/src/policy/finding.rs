//! What a policy finds.

use std::fmt;

use serde::Serialize;

use crate::policy::rule::{PolicyCheck, Severity};

/// Something in a configuration that its [`Policy`](crate::Policy) does not want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PolicyFinding {
    /// How much it matters: [`Severity::Warn`] or [`Severity::Deny`].
    pub severity: Severity,
    /// What it is.
    #[serde(flatten)]
    pub problem: PolicyProblem,
}

impl PolicyFinding {
    /// A problem, and how much it matters.
    pub fn new(severity: Severity, problem: PolicyProblem) -> Self {
        Self { severity, problem }
    }
}

/// What a configuration has or lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PolicyProblem {
    /// No user has an SSH key.
    NoAuthorizedKey,
    /// OpenSSH is disabled.
    SshDisabled,
    /// A key holds a text that marks it as a placeholder.
    PlaceholderKey {
        /// The user whom it would let in.
        user: String,
        /// Its line.
        key: String,
        /// The text.
        mark: String,
    },
    /// A key is none: its line has no whole public key.
    UnreadableKey {
        /// The user whom it should let in.
        user: String,
        /// Its line.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// root has a password. Whoever can read the image can read it, or guess what its hash is of.
    RootPassword {
        /// The option that sets it.
        option: String,
        /// Whether the password is empty, so that everybody at a console is root.
        empty: bool,
    },
    /// No kernel parameter names a serial console.
    NoSerialConsole,
    /// A service of the profile is enabled, and would start on a machine that is being installed.
    ServiceEnabled {
        /// The service.
        service: String,
    },
    /// A package is not installed.
    PackageMissing {
        /// Its name, or that of the service that it should bring.
        package: String,
    },
    /// A file has the name of a private key.
    SecretFile {
        /// Its path.
        path: String,
    },
}

impl PolicyProblem {
    /// The rule that finds it.
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

    /// What to do about it, as a sentence for an operator.
    pub fn hint(&self) -> String {
        match self {
            Self::NoAuthorizedKey => "set `users.users.root.openssh.authorizedKeys.keys`, or give \
                                      the builder an override with a key"
                .to_owned(),
            Self::SshDisabled => "set `services.openssh.enable = true`".to_owned(),
            Self::PlaceholderKey { user, .. } | Self::UnreadableKey { user, .. } => {
                format!("put a key of your own into the authorized keys of `{user}`")
            }
            Self::RootPassword { option, .. } => {
                format!("set `users.users.root.{option}` to `null`, and let root in by key")
            }
            Self::NoSerialConsole => "add `console=ttyS0,115200` to `boot.kernelParams`: without \
                                      it nobody sees why a machine in a rack does not boot"
                .to_owned(),
            Self::ServiceEnabled { service } => {
                format!("set `services.{service}.enable = false` in the netboot image")
            }
            Self::PackageMissing { package } => {
                format!("add the package of `{package}` to `environment.systemPackages`")
            }
            Self::SecretFile { .. } => "leave it out of the configuration, and bring it to the \
                                        machine when it is up"
                .to_owned(),
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
                write!(f, "the SSH key `{key}` of `{user}` is a placeholder: it holds `{mark}`")
            }
            Self::UnreadableKey { user, key, reason } => {
                write!(f, "the SSH key `{key}` of `{user}` is none: {reason}")
            }
            Self::RootPassword { option, empty: false } => {
                write!(f, "root has a password, by `{option}`")
            }
            Self::RootPassword { option, empty: true } => {
                write!(f, "root has an empty password, by `{option}`")
            }
            Self::NoSerialConsole => f.write_str("no kernel parameter names a serial console"),
            Self::ServiceEnabled { service } => write!(f, "the service `{service}` is enabled"),
            Self::PackageMissing { package } => {
                write!(f, "no installed package is `{package}`, or begins with its name")
            }
            Self::SecretFile { path } => {
                write!(f, "the file {path} has the name of a private key")
            }
        }
    }
}
