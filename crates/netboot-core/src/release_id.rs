//! The id of a release.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;
use crate::invalid_value::{InvalidValue, ValueKind};
use crate::validated_text::text_conversions;

/// The id of a release: the digest of everything in its manifest that decides what machines boot.
/// Equal releases have the same id on every machine, and an altered release has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseId(Sha256Digest);

impl ReleaseId {
    /// Returns the first twelve digits, for people.
    pub fn short(&self) -> String {
        self.0.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<Sha256Digest> for ReleaseId {
    fn from(digest: Sha256Digest) -> Self {
        Self(digest)
    }
}

impl FromStr for ReleaseId {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let of_release = |error| InvalidValue { kind: ValueKind::ReleaseId, ..error };
        text.parse().map(Self).map_err(of_release)
    }
}

text_conversions!(ReleaseId, InvalidValue);

impl From<ReleaseId> for String {
    fn from(id: ReleaseId) -> Self {
        id.to_string()
    }
}
