//! The context of long work: where it reports, and how it is cancelled.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::Error;
use crate::event::{Event, Phase};
use crate::name::{ProfileName, SiteName};

/// Takes [`Event`]s.
///
/// # Contract
/// `emit` does not block, fail or panic, because it is called in the middle of work that must go
/// on. Events of one piece of work arrive in the order in which they happened.
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
        // The receiver may have been dropped.
        let _ = self.send(event);
    }
}

/// The argument of every long piece of work: where to report events, and how to cancel it.
///
/// A context is cheap to clone. When the token is cancelled, the work ends soon with
/// [`Error::Cancelled`] (or the same variant of its own crate). It ends its child processes and
/// leaves nothing half-written. Dropping the future has the same effect.
#[derive(Clone)]
pub struct Context {
    events: Arc<dyn EventSink>,
    cancellation: CancellationToken,
}

impl Context {
    /// Creates a context that discards events and is never cancelled.
    pub fn new() -> Self {
        Self { events: Arc::new(|_| {}), cancellation: CancellationToken::new() }
    }

    /// Sets the sink that receives the events.
    #[must_use]
    pub fn with_events(mut self, events: impl EventSink + 'static) -> Self {
        self.events = Arc::new(events);
        self
    }

    /// Sets the token that cancels the work.
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: CancellationToken) -> Self {
        self.cancellation = cancellation;
        self
    }

    /// Reports `event`, with its texts bounded and without control characters.
    pub fn emit(&self, event: Event) {
        self.events.emit(event.into_printable());
    }

    /// Returns the token that cancels the work.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Checks that the work was not cancelled.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if it was cancelled.
    pub fn check(&self) -> Result<(), Error> {
        if self.cancellation.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Returns a context for a thread that works for a future, and a guard. Dropping the guard
    /// together with the future cancels the thread's work.
    pub(crate) fn until_dropped(&self) -> (Self, DropGuard) {
        let cancellation = self.cancellation.child_token();
        let guard = cancellation.clone().drop_guard();
        (Self { events: self.events.clone(), cancellation }, guard)
    }

    /// Returns a context for the work on one profile. An event that names no profile then names
    /// this one.
    #[must_use]
    pub fn for_profile(&self, profile: &ProfileName) -> Self {
        let (events, profile) = (self.events.clone(), profile.clone());
        let named = move |event: Event| events.emit(event.or_of_profile(&profile));
        Self { events: Arc::new(named), cancellation: self.cancellation.clone() }
    }

    /// Returns a context whose events tell the site where they happen, as [`Event::AtSite`].
    #[must_use]
    pub fn at_site(&self, site: &SiteName) -> Self {
        let (outer, site) = (self.clone(), site.clone());
        self.clone().with_events(move |event: Event| {
            outer.emit(Event::AtSite { site: site.clone(), event: Box::new(event) });
        })
    }

    /// Reports that each of `profiles` waits for the work on it.
    pub fn wait_for<'a>(&self, profiles: impl IntoIterator<Item = &'a ProfileName>) {
        for profile in profiles {
            self.emit(Event::ProfileWaiting { profile: profile.clone() });
        }
    }

    /// Reports the start of `phase` now, and its end when the returned guard is dropped.
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

/// Reports the end of a phase when it is dropped. [`Context::phase`] creates it.
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
