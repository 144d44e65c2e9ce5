//! The reasons not to trust a pointer.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use netboot_core::PointerName;
use serde::Serialize;

use crate::signature::problem::SignatureProblem;

/// A reason not to trust a pointer, although it can be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PointerProblem {
    /// It has no signature.
    Unsigned,
    /// Its signature is not in minisign's format for prehashed files.
    MalformedSignature,
    /// No trusted key made its signature.
    UntrustedKey,
    /// A trusted key made its signature, but for other bytes: somebody changed the pointer.
    Mismatch,
    /// A trusted key signed it as another pointer, and somebody put it into this place.
    OtherName {
        /// The name that was signed.
        name: PointerName,
    },
    /// Its counter is lower than that of a pointer that was there before: somebody put an older
    /// pointer back.
    RolledBack {
        /// Its counter.
        counter: u64,
        /// The counter of the newest known pointer.
        known: u64,
    },
    /// It has the counter of the newest known pointer, but is another one.
    SameCounter {
        /// The counter.
        counter: u64,
    },
    /// Its best-before date has passed: nobody renewed it, or somebody holds back newer ones.
    Expired {
        /// The date, in seconds since 1970.
        best_before: u64,
    },
    /// Its script is not the script that the manifest of its release says.
    OtherScript,
}

impl PointerProblem {
    /// Tells an operator what to do about the problem, in a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unsigned => {
                "if this target has never had signed pointers, activate the live release once with \
                 a publisher that may replace an untrusted pointer \
                 (`with_replace_untrusted(true)`); if it has, somebody replaced the pointer: find \
                 out who can write to the target first"
            }
            Self::UntrustedKey => {
                "trust the public key of whoever signed it, if that is who should sign pointers; \
                 otherwise find out who can write to the target, and activate the right release \
                 with a publisher that may replace an untrusted pointer \
                 (`with_replace_untrusted(true)`)"
            }
            Self::MalformedSignature
            | Self::Mismatch
            | Self::OtherName { .. }
            | Self::OtherScript => {
                "somebody changed the pointer: find out who can write to the target, then activate \
                 the right release with a publisher that may replace an untrusted pointer \
                 (`with_replace_untrusted(true)`), which starts a new history"
            }
            Self::RolledBack { .. } | Self::SameCounter { .. } => {
                "somebody put an older pointer back, or restored the target from a backup: find \
                 out which, then activate the right release with a publisher that may replace an \
                 untrusted pointer (`with_replace_untrusted(true)`); its counter is higher than \
                 every known one"
            }
            Self::Expired { .. } => {
                "renew the pointer with `Publisher::refresh`, or publish a release; if you did, \
                 find out who holds back the new pointer, and check this machine's clock"
            }
        }
    }

    /// The problem of a pointer whose signature has this problem.
    pub(crate) fn of_signature(problem: SignatureProblem) -> Self {
        match problem {
            SignatureProblem::Missing => Self::Unsigned,
            SignatureProblem::Malformed => Self::MalformedSignature,
            SignatureProblem::UntrustedKey | SignatureProblem::TooFewKeys { .. } => {
                Self::UntrustedKey
            }
            SignatureProblem::Mismatch | SignatureProblem::OtherRelease => Self::Mismatch,
        }
    }
}

/// The last second that RFC 3339 can express: the end of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A time in seconds since 1970, in UTC in the format of RFC 3339.
fn utc(seconds: u64) -> impl fmt::Display {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds.min(LAST)))
}

impl fmt::Display for PointerProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("it is not signed"),
            Self::MalformedSignature => f.write_str("its signature cannot be understood"),
            Self::UntrustedKey => f.write_str("no trusted key made its signature"),
            Self::Mismatch => f.write_str("its signature does not match its text"),
            Self::OtherName { name } => write!(f, "it was signed as the pointer `{name}`"),
            Self::RolledBack { counter, known } => {
                write!(f, "it is an older one: its counter is {counter}, and {known} was there")
            }
            Self::SameCounter { counter } => {
                write!(f, "it differs from the pointer that had its counter {counter} before")
            }
            Self::Expired { best_before } => {
                write!(f, "its best-before date has passed ({})", utc(*best_before))
            }
            Self::OtherScript => f.write_str("its script is not that of its release"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_shown_as_a_date() {
        for (best_before, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_997_559, "2026-11-30T00:12:39Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            let problem = PointerProblem::Expired { best_before }.to_string();
            assert_eq!(problem, format!("its best-before date has passed ({shown})"));
        }
    }
}
