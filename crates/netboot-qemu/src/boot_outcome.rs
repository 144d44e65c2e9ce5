//! The outcomes of a boot.

use std::fmt;

use serde::Serialize;

/// The outcome of a boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
#[non_exhaustive]
pub enum BootOutcome {
    /// The console showed all expected texts. If none were expected, Linux started `init`.
    Succeeded,
    /// Linux panicked.
    Panicked {
        /// The line with the reason.
        line: String,
    },
    /// The console showed a text that the caller gave to
    /// [`fail_on`](crate::MachineBuilder::fail_on).
    FailureSeen {
        /// The line with the text.
        line: String,
    },
    /// The system said that it does not boot, for example in emergency mode.
    SystemFailed {
        /// The line that says so.
        line: String,
    },
    /// Stage 1 could not fetch the store of the closure.
    StoreFailed {
        /// The line with its last word. [`BootReport::store`](crate::BootReport::store) has it in
        /// parts.
        line: String,
    },
    /// The firmware gave up, because it has nothing left to boot from.
    FirmwareGaveUp {
        /// The line with the firmware's message.
        line: String,
    },
    /// The machine powered off or reset before the boot succeeded.
    MachineStopped,
    /// The time was up before the boot succeeded.
    TimedOut,
}

impl fmt::Display for BootOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Panicked { line } => write!(f, "panicked: {line}"),
            Self::FailureSeen { line } => write!(f, "reported a failure: {line}"),
            Self::SystemFailed { line } => write!(f, "did not come up: {line}"),
            Self::StoreFailed { line } => write!(f, "could not fetch its store: {line}"),
            Self::FirmwareGaveUp { line } => write!(f, "found nothing to boot: {line}"),
            Self::MachineStopped => f.write_str("stopped by itself"),
            Self::TimedOut => f.write_str("ran out of time"),
        }
    }
}
