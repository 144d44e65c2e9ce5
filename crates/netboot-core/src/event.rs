//! The events that long work reports while it runs.

use std::fmt;

use foreign_text::ForeignText;
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
    /// Compressing the store paths of a closure.
    Packing,
    /// Scanning the files of an image for secrets.
    Scanning,
    /// Hashing and checking artifacts.
    Hashing,
    /// Writing scripts.
    Rendering,
    /// Sending a release to its target.
    Staging,
    /// Comparing the files at the target with their manifest.
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
            Self::Packing => "packing",
            Self::Scanning => "scanning",
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

/// The unit of the numbers of an [`Event::Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Items, such as derivations, files or releases.
    Items,
}

/// A report of what is happening, for a progress bar, a log or a web page.
///
/// Events contain no secrets. `Display` gives a line for people. In the serialised form, the field
/// `event` has the name of the event.
///
/// Most texts of events come from outside: from builders, servers and machines.
/// [`Context::emit`](crate::Context::emit) makes them safe to show as [`ForeignText`] does, before
/// a sink gets them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// A phase began, for one profile or for all profiles of the work.
    PhaseStarted {
        /// The phase.
        phase: Phase,
        /// The profile, if the event concerns only one.
        profile: Option<ProfileName>,
    },
    /// A phase ended, with or without success.
    PhaseFinished {
        /// The phase.
        phase: Phase,
        /// The profile, if the event concerns only one.
        profile: Option<ProfileName>,
    },
    /// Something progressed. For one `subject`, `done` never decreases. `total` is an estimate: it
    /// may grow, and `done` may never reach it. [`PhaseFinished`](Self::PhaseFinished) reports the
    /// end.
    Progress {
        /// The phase that it belongs to.
        phase: Phase,
        /// The profile, if the event concerns only one.
        profile: Option<ProfileName>,
        /// The thing that progresses, such as a derivation or a file.
        subject: String,
        /// The amount that is done.
        done: u64,
        /// The whole amount, if it is known.
        total: Option<u64>,
        /// The unit of both amounts.
        unit: Unit,
    },
    /// A program printed a line: a builder, Nix, rsync, or a booting machine on its console.
    Log {
        /// The profile, if the event concerns only one.
        profile: Option<ProfileName>,
        /// The name of the program or derivation that printed the line.
        origin: String,
        /// The line, without its line break.
        line: String,
    },
    /// An operator should know something, but the work goes on.
    Warning {
        /// The profile, if the event concerns only one.
        profile: Option<ProfileName>,
        /// The message.
        message: String,
        /// A remedy.
        hint: Option<String>,
    },
    /// A builder was asked for several profiles, and has not begun with this one.
    ProfileWaiting {
        /// The profile.
        profile: ProfileName,
    },
    /// The work on one profile ended.
    ProfileFinished {
        /// The profile.
        profile: ProfileName,
        /// True if there is an image now.
        succeeded: bool,
    },
    /// Something happened at one of several sites that are worked on at the same time.
    AtSite {
        /// The site.
        site: SiteName,
        /// The event at the site. Its serialised field is `of`, because `event` names this event.
        #[serde(rename = "of")]
        event: Box<Self>,
    },
}

impl Event {
    /// Makes the texts of the event safe to show.
    pub(crate) fn into_printable(self) -> Self {
        let line = |text: String| ForeignText::line(text).into_string();
        let lines = |text: String| ForeignText::shown(text);
        match self {
            Self::Progress { phase, profile, subject, done, total, unit } => {
                Self::Progress { phase, profile, subject: line(subject), done, total, unit }
            }
            Self::Log { profile, origin, line: printed } => {
                Self::Log { profile, origin: line(origin), line: line(printed) }
            }
            Self::Warning { profile, message, hint } => {
                Self::Warning { profile, message: lines(message), hint: hint.map(lines) }
            }
            Self::AtSite { site, event } => {
                Self::AtSite { site, event: Box::new(event.into_printable()) }
            }
            event => event,
        }
    }

    /// Names `profile` in the event, unless it names a profile or site already.
    pub(crate) fn or_of_profile(mut self, of: &ProfileName) -> Self {
        match &mut self {
            Self::PhaseStarted { profile, .. }
            | Self::PhaseFinished { profile, .. }
            | Self::Progress { profile, .. }
            | Self::Log { profile, .. }
            | Self::Warning { profile, .. } => {
                profile.get_or_insert_with(|| of.clone());
            }
            Self::ProfileWaiting { .. } | Self::ProfileFinished { .. } | Self::AtSite { .. } => {}
        }
        self
    }

    /// Returns the event without its site, and the site if there is one.
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
                write!(f, "{}{phase} finished", of(profile.as_ref()))
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
            Self::ProfileWaiting { profile } => write!(f, "{profile}: waiting"),
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
