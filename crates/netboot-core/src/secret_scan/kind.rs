//! The kinds of secrets, and how serious a finding is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "callers match on it, and there are three levels")]
pub enum Severity {
    /// The finding is not reported.
    Ignore,
    /// The finding is reported, and the build goes on.
    Warn,
    /// The finding is an error.
    Deny,
}

/// A kind of secret. A [`SecretPolicy`](super::SecretPolicy) has a severity for each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SecretKind {
    /// A private or shared key that works without a passphrase.
    PrivateKey,
    /// A private key that only a passphrase or a device can open.
    EncryptedPrivateKey,
    /// A key that signs packages or files, such as that of a Nix binary cache.
    SigningKey,
    /// A token or key of a service.
    Token,
    /// A JSON Web Token. It may have expired, or be meant for everybody.
    WebToken,
    /// A password in clear text.
    Password,
    /// A hash of a password.
    PasswordHash,
    /// A file or a text that the caller named.
    Named,
}

impl SecretKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::PrivateKey,
        Self::EncryptedPrivateKey,
        Self::SigningKey,
        Self::Token,
        Self::WebToken,
        Self::Password,
        Self::PasswordHash,
        Self::Named,
    ];
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PrivateKey => "a private key",
            Self::EncryptedPrivateKey => "an encrypted private key",
            Self::SigningKey => "a signing key",
            Self::Token => "a token",
            Self::WebToken => "a JSON Web Token",
            Self::Password => "a password",
            Self::PasswordHash => "the hash of a password",
            Self::Named => "a secret that the policy names",
        })
    }
}
