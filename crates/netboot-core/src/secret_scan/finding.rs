//! Findings, which never contain the secret.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::kind::{SecretKind, Severity};

/// A secret in a file, before a policy judges it. It does not contain the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SecretMatch {
    /// The name of the rule, such as `openssh-private-key`.
    pub rule: String,
    /// The kind of the secret.
    pub kind: SecretKind,
    /// The position of the secret in the file, in bytes.
    pub offset: u64,
    /// True for a key that everybody has, because a program contains it for its tests.
    pub is_known: bool,
}

/// The place of a file that was scanned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct SecretPlace {
    /// The store path, or the archive.
    pub container: String,
    /// The path of the file in the container. Empty if the container is a file itself.
    pub file: String,
}

impl SecretPlace {
    /// The file `file` in `container`.
    pub fn new(container: impl Into<String>, file: impl Into<String>) -> Self {
        Self { container: container.into(), file: file.into() }
    }
}

/// A secret that a [`SecretPolicy`](super::SecretPolicy) warns of or denies. It does not contain
/// the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SecretFinding {
    /// The severity: [`Severity::Warn`] or [`Severity::Deny`].
    pub severity: Severity,
    /// The place.
    #[serde(flatten)]
    pub place: SecretPlace,
    /// The rule and the position.
    #[serde(flatten)]
    pub secret: SecretMatch,
    /// The reason that the container is there: the shortest chain of references from the system to
    /// it, including both. For a store path that only NixOS's option `netboot.storeContents` adds,
    /// it begins with the name of the option. Empty if nothing else refers to the container.
    pub chain: Vec<String>,
}

impl SecretFinding {
    /// Returns a remedy for an operator.
    pub fn hint(&self) -> String {
        let rule = &self.secret.rule;
        let remedy = match self.secret.kind {
            SecretKind::PasswordHash | SecretKind::Password => {
                "log in with SSH keys instead of passwords"
            }
            SecretKind::SigningKey => "sign on the build machine, outside of Nix's store",
            _ => {
                "remove it from the configuration, replace it where it is in use, and give it to \
                 the machine after boot, for example with agenix or sops-nix and the machine's own \
                 host key, or with systemd's credentials"
            }
        };
        format!("{remedy}; if it is no secret, allow the rule `{rule}` for this path in the policy")
    }
}

impl fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.container)?;
        if self.file.is_empty() { Ok(()) } else { write!(f, "/{}", self.file) }
    }
}

impl fmt::Display for SecretFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, secret: SecretMatch { rule, kind, offset, .. }, .. } = self;
        write!(f, "`{place}` contains {kind} at byte {offset} (rule `{rule}`)")?;
        if self.chain.len() > 1 {
            write!(f, ", and is there because of {}", self.chain.join(" > "))?;
        }
        Ok(())
    }
}
