//! An event as a line for people.

use std::fmt;

use super::{Event, Unit};
use crate::ProfileName;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PhaseStarted { phase, profile } => write!(f, "{}{phase}", of(profile.as_ref())),
            Self::PhaseFinished { phase, profile } => {
                write!(f, "{}{phase} ended", of(profile.as_ref()))
            }
            Self::Progress { phase, profile, subject, done, total, unit } => {
                write!(f, "{}{phase} {subject}: {done}", of(profile.as_ref()))?;
                if let Some(total) = total {
                    write!(f, " of {total}")?;
                }
                f.write_str(if *unit == Unit::Bytes { " bytes" } else { "" })
            }
            Self::Log { profile, origin, line } => {
                write!(f, "{}{origin}> {line}", of(profile.as_ref()))
            }
            Self::Warning { profile, message, hint } => {
                write!(f, "{}warning: {message}", of(profile.as_ref()))?;
                hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
            }
            Self::ProfileFinished { profile, succeeded } => {
                write!(f, "{profile}: {}", if *succeeded { "built" } else { "failed" })
            }
            Self::AtSite { site, event } => write!(f, "{site}: {event}"),
        }
    }
}

fn of(profile: Option<&ProfileName>) -> String {
    profile.map(|name| format!("{name}: ")).unwrap_or_default()
}
