//! The rows of phases and of their parts, and the row of what waits.

use std::fmt;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use netboot_core::{Event, Phase, ProfileName, SiteName, Unit};

use super::row::{self, Amount, Row};
use super::{BESIDE, Progress, State, TICK};

impl Progress {
    /// Lets a row show what `shown` returns for its state and for the columns that it may fill.
    pub(super) fn style(
        &self,
        bar: &ProgressBar,
        shown: impl Fn(&ProgressState, usize) -> String + Clone + Send + Sync + 'static,
    ) {
        let columns = self.screen.columns;
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

    pub(super) fn last_row(&self, state: &mut State) -> ProgressBar {
        let new = || {
            let bar = self.bars.add(ProgressBar::new_spinner());
            bar.enable_steady_tick(TICK);
            bar
        };
        state.last.get_or_insert_with(new).clone()
    }

    pub(super) fn show_on_terminal(
        &self,
        state: &mut State,
        site: Option<&SiteName>,
        event: &Event,
    ) {
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
