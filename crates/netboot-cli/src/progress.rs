//! Events as rows on a terminal, and as plain lines elsewhere.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar};
use netboot_core::{Event, EventSink, ProfileName, Unit};

use self::row::Row;
use self::text::{cut, wrap};
use crate::control_echo::ControlEcho;

mod row;
mod rows;
#[cfg(test)]
mod tests;
mod text;

/// The columns of a terminal that does not know them.
const COLUMNS: u16 = 80;

/// The columns before the text of a row, and one at the end for a character that a terminal draws
/// wider than others do.
const BESIDE: usize = 3;

/// The time between two pictures of a spinner.
const TICK: Duration = Duration::from_millis(120);

/// The subject of all derivations together.
const DERIVATIONS: &str = "derivations";

/// Shows events on standard error: as rows on a terminal, and as lines elsewhere. Cheap to clone;
/// clones share the rows.
///
/// # Examples
/// [`Signals`](crate::Signals) stop what it shows.
/// ```
/// use std::process::ExitCode;
///
/// use netboot_cli::{Progress, Signals};
/// use netboot_core::{Context, Event, Phase, Report};
///
/// async fn work(context: &Context) -> Result<(), Report> {
///     context.emit(Event::PhaseStarted { phase: Phase::Staging, profile: None });
///     Ok(())
/// }
///
/// #[tokio::main]
/// async fn main() -> ExitCode {
///     let progress = Progress::new(false);
///     let signals = Signals::watch(&progress);
///     let context =
///         Context::new().with_events(progress.clone()).with_cancellation(signals.cancellation());
///     match work(&context).await {
///         Ok(()) => {
///             progress.finish();
///             ExitCode::SUCCESS
///         }
///         Err(report) => {
///             progress.end(&report.in_full());
///             signals.exit_code().unwrap_or(1).into()
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    state: Arc<Mutex<State>>,
    screen: Screen,
    /// Puts a text with hints into the words of the program.
    words: fn(&str) -> String,
    on_terminal: bool,
    with_logs: bool,
    has_lines_after_stop: bool,
}

/// The place of rows and lines.
#[derive(Debug, Clone, Copy)]
struct Screen {
    /// Returns the columns of the terminal, which change with its window.
    columns: fn() -> u16,
    /// Writes a line below all others, where no row is.
    write: fn(&str),
}

#[derive(Debug, Default)]
struct State {
    rows: HashMap<Row, ProgressBar>,
    /// The profiles that wait for their build.
    waiting: Vec<ProfileName>,
    /// The last row, which shows what waits.
    last: Option<ProgressBar>,
    is_silent: bool,
    echo: Option<ControlEcho>,
}

impl Progress {
    /// Shows rows if standard error is a terminal, and lines otherwise. With `with_logs`, it also
    /// shows what child processes print.
    pub fn new(with_logs: bool) -> Self {
        let columns = || {
            let size = terminal_size::terminal_size_of(std::io::stderr());
            size.map_or(COLUMNS, |(columns, _)| columns.0)
        };
        let is_terminal = std::io::stderr().is_terminal();
        let write = |text: &str| {
            // If standard error is closed, nobody can read the line.
            let _ = writeln!(std::io::stderr(), "{text}");
        };
        let progress =
            Self::on(MultiProgress::new(), is_terminal, Screen { columns, write }, with_logs);
        if progress.on_terminal {
            progress.state().echo = Some(ControlEcho::off());
        }
        progress
    }

    fn on(bars: MultiProgress, is_terminal: bool, screen: Screen, with_logs: bool) -> Self {
        // A terminal that cannot move its cursor hides the rows and everything printed above them.
        let on_terminal = is_terminal && !bars.is_hidden();
        Self {
            bars,
            state: Arc::default(),
            screen,
            words: str::to_owned,
            on_terminal,
            with_logs,
            has_lines_after_stop: false,
        }
    }

    /// Puts every line and hint into the words of the program: the libraries' hints name functions,
    /// and those who run a program have its options.
    #[must_use]
    pub fn with_words(mut self, words: fn(&str) -> String) -> Self {
        self.words = words;
        self
    }

    /// Also shows lines and events while the work is being stopped: a service logs until its end.
    #[must_use]
    pub fn with_lines_after_stop(mut self) -> Self {
        self.has_lines_after_stop = true;
        self
    }

    /// Prints a line that stays, above the rows.
    pub fn line(&self, text: &str) {
        if !self.state().is_silent {
            self.print(&(self.words)(text));
        }
    }

    /// Shows that the work is being stopped, and no more lines and events from now on, unless
    /// [`with_lines_after_stop`](Self::with_lines_after_stop) asks for them.
    pub fn stop(&self) {
        self.clear();
        let mut state = self.state();
        if state.is_silent {
            return;
        }
        state.is_silent = !self.has_lines_after_stop;
        if self.on_terminal {
            let text = "stopping; Ctrl-C again ends it at once".to_owned();
            let bar = self.last_row(&mut state);
            self.style(&bar, move |_, columns| cut(&text, columns));
        }
    }

    /// Removes all rows and leaves the terminal as it was.
    pub fn finish(&self) {
        self.clear();
        self.state().echo = None;
    }

    fn clear(&self) {
        let mut state = self.state();
        state.waiting.clear();
        let State { rows, last, .. } = &mut *state;
        for bar in rows.drain().map(|(_, bar)| bar).chain(last.take()) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        // If standard error is closed, nobody sees the rows.
        let _ = self.bars.clear();
    }

    /// Removes all rows and prints a last line. Nothing is shown after it.
    pub fn end(&self, text: &str) {
        self.finish();
        self.state().is_silent = true;
        self.print(text);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, text: &str) {
        if !self.on_terminal {
            (self.screen.write)(text);
            return;
        }
        let text = wrap(text, usize::from((self.screen.columns)()));
        // A line that indicatif writes ends with spaces, and not with a line feed. `suspend` panics
        // if the terminal is gone, and then clearing fails.
        if self.bars.clear().is_ok() {
            self.bars.suspend(|| (self.screen.write)(&text));
        }
    }
}

impl EventSink for Progress {
    fn emit(&self, event: Event) {
        let (site, what) = event.by_site();
        let mut state = self.state();
        if state.is_silent {
            return;
        }
        if self.on_terminal {
            self.show_on_terminal(&mut state, site, what);
        }
        let place = site.map(|site| format!("{site}: ")).unwrap_or_default();
        let about = |profile: &Option<ProfileName>| {
            profile.as_ref().map_or(place.clone(), |name| format!("{place}{name}: "))
        };
        match what {
            Event::PhaseStarted { .. } if !self.on_terminal => self.print(&event.to_string()),
            Event::Progress { profile, subject, done: 0, unit: Unit::Items, .. }
                if !self.on_terminal && subject != DERIVATIONS =>
            {
                self.print(&format!("{}building {subject}", about(profile)));
            }
            Event::Log { .. } if self.with_logs => self.print(&event.to_string()),
            Event::Warning { profile, message, hint } => {
                self.print(&format!("{}warning: {message}", about(profile)));
                if let Some(hint) = hint {
                    self.print(&format!("  what to do: {}", (self.words)(hint)));
                }
            }
            Event::ProfileFinished { profile, succeeded } => {
                let outcome = if *succeeded { "built" } else { "FAILED" };
                self.print(&format!("{}{outcome}", about(&Some(profile.clone()))));
            }
            _ => {}
        }
    }
}
