//! Events as rows on a terminal, and as plain lines elsewhere.

use std::collections::HashMap;
use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use netboot_core::{Event, EventSink, Phase, ProfileName, SiteName, Unit};

use self::row::{Amount, Row};
use self::text::{cut, wrap};
use crate::control_echo::ControlEcho;

mod row;
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
    /// Returns the columns of the terminal, which change with its window.
    columns: fn() -> u16,
    /// Puts a text with hints into the words of the program.
    words: fn(&str) -> String,
    on_terminal: bool,
    with_logs: bool,
    has_lines_after_stop: bool,
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
        let progress = Self::on(MultiProgress::new(), is_terminal, columns, with_logs);
        if progress.on_terminal {
            progress.state().echo = Some(ControlEcho::off());
        }
        progress
    }

    fn on(bars: MultiProgress, is_terminal: bool, columns: fn() -> u16, with_logs: bool) -> Self {
        // A terminal that cannot move its cursor hides the rows and everything printed above them.
        let on_terminal = is_terminal && !bars.is_hidden();
        Self {
            bars,
            state: Arc::default(),
            columns,
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
        // If standard error is closed, nobody can read the line.
        if self.on_terminal {
            let _ = self.bars.println(wrap(text, usize::from((self.columns)())));
        } else {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Lets a row show what `shown` returns for its state and for the columns that it may fill.
    fn style(
        &self,
        bar: &ProgressBar,
        shown: impl Fn(&ProgressState, usize) -> String + Clone + Send + Sync + 'static,
    ) {
        let columns = self.columns;
        let row = move |state: &ProgressState, text: &mut dyn fmt::Write| {
            let columns = usize::from(columns()).saturating_sub(BESIDE);
            // Writing to a string cannot fail.
            let _ = text.write_str(&shown(state, columns));
        };
        // The template is a correct one.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {row}") {
            bar.set_style(style.with_key("row", row));
        }
    }

    /// Adds a row, unless it is there.
    fn add(&self, state: &mut State, row: &Row, unit: Option<Unit>) {
        if state.rows.contains_key(row) {
            return;
        }
        // A part stands below its phase, even while several profiles are built.
        let parent = row.parent().and_then(|parent| state.rows.get(&parent));
        let bar = match (parent, &state.last) {
            (Some(parent), _) => self.bars.insert_after(parent, ProgressBar::new_spinner()),
            (None, Some(last)) => self.bars.insert_before(last, ProgressBar::new_spinner()),
            (None, None) => self.bars.add(ProgressBar::new_spinner()),
        };
        let label = row.label();
        self.style(&bar, move |state, columns| {
            let amount = Amount {
                done: state.pos(),
                total: state.len(),
                unit,
                per_second: state.per_sec(),
                elapsed: state.elapsed(),
            };
            row::shown(&label, amount, columns)
        });
        bar.enable_steady_tick(TICK);
        state.rows.insert(row.clone(), bar);
    }

    fn remove(&self, state: &mut State, is_done: impl Fn(&Row) -> bool) {
        state.rows.retain(|row, bar| {
            let done = is_done(row);
            if done {
                bar.finish_and_clear();
                self.bars.remove(bar);
            }
            !done
        });
    }

    /// Shows the profiles that wait, below all other rows.
    fn show_waiting(&self, state: &mut State) {
        let waiting = state.waiting.clone();
        if waiting.is_empty() {
            if let Some(bar) = state.last.take() {
                bar.finish_and_clear();
                self.bars.remove(&bar);
            }
            return;
        }
        let bar = self.last_row(state);
        self.style(&bar, move |_, columns| row::waiting(&waiting, columns));
        bar.tick();
    }

    fn last_row(&self, state: &mut State) -> ProgressBar {
        let new = || {
            let bar = self.bars.add(ProgressBar::new_spinner());
            bar.enable_steady_tick(TICK);
            bar
        };
        state.last.get_or_insert_with(new).clone()
    }

    fn show_on_terminal(&self, state: &mut State, site: Option<&SiteName>, event: &Event) {
        let row = |phase: &Phase, profile: &Option<ProfileName>, subject: Option<&String>| Row {
            site: site.cloned(),
            phase: *phase,
            profile: profile.clone(),
            subject: subject.cloned(),
        };
        if let Event::ProfileWaiting { profile } = event {
            state.waiting.push(profile.clone());
            self.show_waiting(state);
        }
        if let Event::PhaseStarted { profile: Some(begun), .. }
        | Event::Progress { profile: Some(begun), .. }
        | Event::ProfileFinished { profile: begun, .. } = event
        {
            let before = state.waiting.len();
            state.waiting.retain(|profile| profile != begun);
            if state.waiting.len() < before {
                self.show_waiting(state);
            }
        }
        match event {
            Event::PhaseStarted { phase, profile } => {
                self.add(state, &row(phase, profile, None), None);
            }
            Event::PhaseFinished { phase, profile } => {
                let ended = row(phase, profile, None);
                self.remove(state, |row| *row == ended || row.parent().as_ref() == Some(&ended));
            }
            Event::Progress { phase, profile, subject, done, total, unit } => {
                let row = row(phase, profile, Some(subject));
                if Some(*done) == *total {
                    self.remove(state, |other| *other == row);
                } else {
                    self.add(state, &row, Some(*unit));
                    if let Some(bar) = state.rows.get(&row) {
                        if let Some(total) = total {
                            bar.set_length(*total);
                        }
                        bar.set_position(*done);
                    }
                }
            }
            _ => {}
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
