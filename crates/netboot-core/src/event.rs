//! What long work reports while it runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::counted::counted;
use crate::name::{ProfileName, SiteName};

/// A step of the way from a profile to a booting machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Resolving and locking the source of the configuration.
    Locking,
    /// Evaluating the configuration.
    Evaluating,
    /// Building or downloading what was evaluated.
    Realising,
    /// Hashing and checking artifacts.
    Hashing,
    /// Writing scripts.
    Rendering,
    /// Sending a release to its target.
    Staging,
    /// Comparing what lies at the target with its manifest.
    Verifying,
    /// Making a release the live one.
    Activating,
    /// Deleting releases that are no longer kept.
    Pruning,
    /// Booting a machine.
    Booting,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Locking => "locking",
            Self::Evaluating => "evaluating",
            Self::Realising => "realising",
            Self::Hashing => "hashing",
            Self::Rendering => "rendering",
            Self::Staging => "staging",
            Self::Verifying => "verifying",
            Self::Activating => "activating",
            Self::Pruning => "pruning",
            Self::Booting => "booting",
        })
    }
}

/// What the numbers of an [`Event::Progress`] count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Things: derivations, files, releases.
    Items,
}

/// One report of what is happening, for a progress bar, a log or a web page.
///
/// Events hold no secrets. `Display` is a line for people; serialised, each has its name in the
/// field `event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A phase began; for one profile, or for all that are being worked on.
    PhaseStarted {
        /// The phase.
        phase: Phase,
        /// The profile, where it concerns one only.
        profile: Option<ProfileName>,
    },
    /// A phase ended, well or not.
    PhaseFinished {
        /// The phase.
        phase: Phase,
        /// The profile, where it concerns one only.
        profile: Option<ProfileName>,
    },
    /// How far something is. For one `subject`, `done` never decreases. `total` is what is known
    /// of so far: it may grow, and where less turns out to be needed it is not reached. What is
    /// over is told by [`PhaseFinished`](Self::PhaseFinished).
    Progress {
        /// The phase it belongs to.
        phase: Phase,
        /// The profile, where it concerns one only.
        profile: Option<ProfileName>,
        /// What is progressing: a derivation's name, a file.
        subject: String,
        /// How much is done.
        done: u64,
        /// How much there is in all, where that is known.
        total: Option<u64>,
        /// What is counted.
        unit: Unit,
    },
    /// A line that a program printed: a builder, Nix, rsync, a booting machine's console.
    Log {
        /// The profile, where it concerns one only.
        profile: Option<ProfileName>,
        /// Who printed it: a derivation's or a program's name.
        origin: String,
        /// The line, without its end.
        line: String,
    },
    /// Something that an operator should know, though the work goes on.
    Warning {
        /// The profile, where it concerns one only.
        profile: Option<ProfileName>,
        /// What it is.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The work on one profile ended.
    ProfileFinished {
        /// The profile.
        profile: ProfileName,
        /// Whether there is an image now.
        succeeded: bool,
    },
    /// What happened at one of several sites that are worked on at the same time.
    AtSite {
        /// The site.
        site: SiteName,
        /// What happened there; in the field `of`, since `event` names this one.
        #[serde(rename = "of")]
        event: Box<Self>,
    },
}

impl Event {
    /// What happened, and at which of several sites, if there are several: so that what tells
    /// warnings from logs need not ask twice.
    ///
    /// ```
    /// use netboot_core::Event;
    ///
    /// fn show(event: &Event) {
    ///     match event.by_site() {
    ///         (_, Event::Log { .. }) => {}
    ///         (Some(site), what) => println!("{site}: {what}"),
    ///         (None, what) => println!("{what}"),
    ///     }
    /// }
    /// ```
    pub fn by_site(&self) -> (Option<&SiteName>, &Self) {
        match self {
            Self::AtSite { site, event } => (Some(site), event.by_site().1),
            event => (None, event),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PhaseStarted { phase, profile } => write!(f, "{}{phase}", of(profile.as_ref())),
            Self::PhaseFinished { phase, profile } => {
                write!(f, "{}{phase} ended", of(profile.as_ref()))
            }
            Self::Progress { phase, profile, subject, done, total, unit } => {
                write!(f, "{}{phase} {subject}: ", of(profile.as_ref()))?;
                if total.is_some() {
                    write!(f, "{done} of ")?;
                }
                let last = total.unwrap_or(*done);
                match unit {
                    Unit::Bytes => write!(f, "{}", counted(last, "byte")),
                    Unit::Items => write!(f, "{last}"),
                }
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
