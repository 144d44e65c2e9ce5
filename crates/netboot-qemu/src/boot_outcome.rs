//! How a boot ended.

use std::fmt;

use serde::Serialize;

/// How a boot ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
#[non_exhaustive]
pub enum BootOutcome {
    /// Everything that was expected was seen; where nothing was, Linux started its `init`.
    Succeeded,
    /// Linux panicked.
    Panicked {
        /// The line that says why.
        line: String,
    },
    /// A text was seen that the caller wants to end the boot.
    FailureSeen {
        /// The line with it.
        line: String,
    },
    /// iPXE gave up, and there is nothing else to boot from.
    FirmwareGaveUp {
        /// The line that says so.
        line: String,
    },
    /// The machine powered itself off or reset itself before everything was seen.
    MachineStopped,
    /// The time was over before everything was seen.
    TimedOut,
}

impl fmt::Display for BootOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Panicked { line } => write!(f, "panicked: {line}"),
            Self::FailureSeen { line } => write!(f, "reported a failure: {line}"),
            Self::FirmwareGaveUp { line } => write!(f, "found nothing to boot: {line}"),
            Self::MachineStopped => f.write_str("stopped by itself"),
            Self::TimedOut => f.write_str("ran out of time"),
        }
    }
}
