//! The subject of a failure.

use std::fmt;

/// The thing that Nix worked on when it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// The flake with this reference, without credentials.
    Flake(String),
    /// An attribute of the flake, such as `nixosConfigurations.netboot-worker`.
    Attribute(String),
    /// A derivation, by its store path.
    Derivation(String),
}

impl Subject {
    /// The reference, attribute path or store path.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Flake(name) | Self::Attribute(name) | Self::Derivation(name) => name,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flake(reference) => write!(f, "the flake `{reference}`"),
            Self::Attribute(name) | Self::Derivation(name) => write!(f, "`{name}`"),
        }
    }
}
