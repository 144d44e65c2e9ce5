//! One entry of a pointer's history.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use netboot_core::ReleaseId;
use serde::{Deserialize, Serialize};

/// The way a release went live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ActivationKind {
    /// By publishing or activating it.
    Activated,
    /// By a rollback to it.
    RolledBack,
}

impl fmt::Display for ActivationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Activated => "activated",
            Self::RolledBack => "rolled-back",
        })
    }
}

/// One line of the history: the release was live from this moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Activation {
    pub(crate) kind: ActivationKind,
    /// Seconds since 1970.
    pub(crate) seconds: u64,
    pub(crate) release: ReleaseId,
}

impl Activation {
    /// Makes an activation of this time. A time before 1970 counts as 1970.
    pub(crate) fn new(kind: ActivationKind, release: ReleaseId, at: SystemTime) -> Self {
        Self { kind, seconds: seconds(at), release }
    }

    /// The time of the activation. A time that the clock cannot represent counts as 1970.
    pub(crate) fn at(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.seconds)).unwrap_or(UNIX_EPOCH)
    }

    /// Reads an activation as it stands in a line after the prefix.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let kind = match words.next()? {
            "activated" => ActivationKind::Activated,
            "rolled-back" => ActivationKind::RolledBack,
            _ => return None,
        };
        let seconds = words.next()?.parse().ok()?;
        let release = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Self { kind, seconds, release })
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.seconds, self.release)
    }
}

/// The seconds since 1970. A time before 1970 counts as 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
