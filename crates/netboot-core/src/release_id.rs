//! The id of a release.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::{Sha256Digest, Sha256Hasher};
use crate::invalid_value::{InvalidValue, ValueKind};

/// The id of a release: the digest of its sorted paths and their digests. The same files give the
/// same id on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseId(Sha256Digest);

impl ReleaseId {
    /// Computes the id of paths with their digests. The order of the entries does not matter.
    pub fn of<'a, P: AsRef<str>>(entries: impl IntoIterator<Item = (P, &'a Sha256Digest)>) -> Self {
        let mut lines: Vec<String> = entries
            .into_iter()
            .map(|(path, sha256)| format!("{}\0{sha256}\n", path.as_ref()))
            .collect();
        lines.sort_unstable();
        let mut hasher = Sha256Hasher::new();
        hasher.update(b"netboot release 1\n");
        for line in lines {
            hasher.update(line.as_bytes());
        }
        Self(hasher.finish().0)
    }

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

impl FromStr for ReleaseId {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let of_release = |error| InvalidValue { kind: ValueKind::ReleaseId, ..error };
        text.parse().map(Self).map_err(of_release)
    }
}

impl TryFrom<String> for ReleaseId {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<ReleaseId> for String {
    fn from(id: ReleaseId) -> Self {
        id.to_string()
    }
}
