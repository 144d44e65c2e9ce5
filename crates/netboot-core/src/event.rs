//! What long work reports while it runs.

mod display;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Error, ProfileName, SiteName};

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

/// Takes [`Event`]s.
///
/// # Contract
/// `emit` does not block, does not fail and does not panic: it is called from the middle of
/// work that must go on. Events of one piece of work arrive in the order in which they happened.
///
/// Every `Fn(Event)` is a sink, and so is tokio's unbounded sender:
///
/// ```
/// use netboot_core::{Event, EventSink};
///
/// let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Event>();
/// let sinks: Vec<Box<dyn EventSink>> = vec![
///     Box::new(|event: Event| eprintln!("{event}")),
///     Box::new(sender),
/// ];
/// # drop((sinks, receiver));
/// ```
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}

impl<F: Fn(Event) + Send + Sync> EventSink for F {
    fn emit(&self, event: Event) {
        self(event);
    }
}

impl EventSink for tokio::sync::mpsc::UnboundedSender<Event> {
    fn emit(&self, event: Event) {
        // A receiver that went away no longer wants to know.
        let _ = self.send(event);
    }
}

/// What every long piece of work is given: where to report, and how to be stopped.
///
/// Cheap to clone. Cancelling the token makes the work end soon with [`Error::Cancelled`] (or
/// its crate's own), its child processes ended and nothing half-written left; dropping its
/// future does the same.
#[derive(Clone)]
pub struct Context {
    events: Arc<dyn EventSink>,
    cancellation: CancellationToken,
}

impl Context {
    /// A context that reports nowhere and is never cancelled.
    pub fn new() -> Self {
        Self { events: Arc::new(|_| {}), cancellation: CancellationToken::new() }
    }

    /// The same, reporting to `events`.
    #[must_use]
    pub fn with_events(mut self, events: impl EventSink + 'static) -> Self {
        self.events = Arc::new(events);
        self
    }

    /// The same, stopped by `cancellation`.
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: CancellationToken) -> Self {
        self.cancellation = cancellation;
        self
    }

    /// Reports `event`.
    pub fn emit(&self, event: Event) {
        self.events.emit(event);
    }

    /// The token that stops the work.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Ends the work here if it was cancelled.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if it was.
    pub fn check(&self) -> Result<(), Error> {
        if self.cancellation.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// The same for a thread that works for a future: dropping the guard with the future stops it.
    pub(crate) fn until_dropped(&self) -> (Self, DropGuard) {
        let cancellation = self.cancellation.child_token();
        let guard = cancellation.clone().drop_guard();
        (Self { events: self.events.clone(), cancellation }, guard)
    }

    /// Reports the begin of `phase` now, and its end when the returned guard is dropped.
    pub fn phase(&self, phase: Phase, profile: Option<&ProfileName>) -> PhaseGuard {
        let profile = profile.cloned();
        self.emit(Event::PhaseStarted { phase, profile: profile.clone() });
        PhaseGuard { context: self.clone(), phase, profile }
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("cancellation", &self.cancellation).finish_non_exhaustive()
    }
}

/// Reports the end of a phase when it is dropped; made by [`Context::phase`].
#[derive(Debug)]
#[must_use = "the phase ends when this is dropped"]
pub struct PhaseGuard {
    context: Context,
    phase: Phase,
    profile: Option<ProfileName>,
}

impl Drop for PhaseGuard {
    fn drop(&mut self) {
        let (phase, profile) = (self.phase, self.profile.take());
        self.context.emit(Event::PhaseFinished { phase, profile });
    }
}
