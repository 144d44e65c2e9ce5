//! Events as progress bars on a terminal, and as plain lines elsewhere.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use netboot_core::{Event, EventSink, Phase, ProfileName, SiteName, Unit};

/// Shows events on standard error. Cheap to clone; clones share the bars.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bars: MultiProgress,
    shown: Arc<Mutex<HashMap<Row, ProgressBar>>>,
    on_terminal: bool,
    with_logs: bool,
}

/// The subject of one bar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Row {
    site: Option<SiteName>,
    phase: Phase,
    profile: Option<ProfileName>,
    subject: Option<String>,
}

impl Progress {
    /// Shows bars if standard error is a terminal, and lines otherwise. With `with_logs`, it also
    /// shows what child processes print.
    pub(crate) fn new(with_logs: bool) -> Self {
        Self::on(MultiProgress::new(), std::io::stderr().is_terminal(), with_logs)
    }

    fn on(bars: MultiProgress, is_terminal: bool, with_logs: bool) -> Self {
        // A terminal that cannot move its cursor hides the bars and everything printed above them.
        let on_terminal = is_terminal && !bars.is_hidden();
        Self { bars, shown: Arc::default(), on_terminal, with_logs }
    }

    /// Prints a line that stays, above the bars.
    pub(crate) fn line(&self, text: &str) {
        if self.on_terminal {
            // If standard error is closed, nobody can read the line.
            let _ = self.bars.println(text);
        } else {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    fn bar(&self, row: &Row, total: Option<u64>, unit: Option<Unit>) -> ProgressBar {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        // A part stands below its phase, even while several profiles are built.
        let parent = row.parent().and_then(|parent| shown.get(&parent).cloned());
        let bar = shown.entry(row.clone()).or_insert_with(|| {
            let bar = ProgressBar::new_spinner().with_prefix(row.label());
            let bar = match &parent {
                Some(parent) => self.bars.insert_after(parent, bar),
                None => self.bars.add(bar),
            };
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if let Some(total) = total {
            bar.set_length(total);
        }
        let template = match (unit, total) {
            (Some(Unit::Bytes), Some(_)) => {
                "{spinner} {prefix:40!} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}"
            }
            (Some(Unit::Bytes), None) => "{spinner} {prefix:40!} {bytes} {bytes_per_sec}",
            (Some(_), Some(_)) => "{spinner} {prefix:40!} {bar:30} {pos}/{len}",
            (Some(_), None) => "{spinner} {prefix:40!} {pos}",
            (None, _) => "{spinner} {prefix:40!} {elapsed} {wide_msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.clone()
    }

    fn remove(&self, is_done: impl Fn(&Row) -> bool) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|row, bar| {
            let done = is_done(row);
            if done {
                bar.finish_and_clear();
                self.bars.remove(bar);
            }
            !done
        });
    }

    fn show_on_terminal(&self, site: Option<&SiteName>, event: &Event) {
        let row = |phase: &Phase, profile: &Option<ProfileName>, subject: Option<&String>| Row {
            site: site.cloned(),
            phase: *phase,
            profile: profile.clone(),
            subject: subject.cloned(),
        };
        match event {
            Event::PhaseStarted { phase, profile } => {
                self.bar(&row(phase, profile, None), None, None);
            }
            Event::PhaseFinished { phase, profile } => {
                let ended = row(phase, profile, None);
                self.remove(|row| *row == ended || row.parent().as_ref() == Some(&ended));
            }
            Event::Progress { phase, profile, subject, done, total, unit } => {
                let row = row(phase, profile, Some(subject));
                self.bar(&row, *total, Some(*unit)).set_position(*done);
                if Some(*done) == *total {
                    self.remove(|other| *other == row);
                }
            }
            _ => {}
        }
    }
}

impl Row {
    /// The row of the phase that this row is a part of.
    fn parent(&self) -> Option<Self> {
        let phase = Self { subject: None, ..self.clone() };
        self.subject.is_some().then_some(phase)
    }

    fn label(&self) -> String {
        let whose = self.profile.as_ref().map_or("all profiles", ProfileName::as_str);
        match (&self.subject, &self.site) {
            (Some(subject), _) => format!("  {subject}"),
            (None, Some(site)) => format!("{site}: {}", self.phase),
            (None, None) => format!("{whose}: {}", self.phase),
        }
    }
}

impl EventSink for Progress {
    fn emit(&self, event: Event) {
        let (site, what) = event.by_site();
        if self.on_terminal {
            self.show_on_terminal(site, what);
        }
        let place = site.map(|site| format!("{site}: ")).unwrap_or_default();
        let about = |profile: &Option<ProfileName>| {
            profile.as_ref().map_or(place.clone(), |name| format!("{place}{name}: "))
        };
        match what {
            Event::PhaseStarted { .. } if !self.on_terminal => self.line(&event.to_string()),
            Event::Log { .. } if self.with_logs => self.line(&event.to_string()),
            Event::Warning { profile, message, hint } => {
                self.line(&format!("{}warning: {message}", about(profile)));
                if let Some(hint) = hint {
                    self.line(&format!("  what to do: {hint}"));
                }
            }
            Event::ProfileFinished { profile, succeeded } => {
                let outcome = if *succeeded { "built" } else { "FAILED" };
                self.line(&format!("{}{outcome}", about(&Some(profile.clone()))));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use indicatif::{InMemoryTerm, ProgressDrawTarget};

    use super::*;

    #[test]
    fn parts_stand_below_their_phase_while_other_profiles_are_built() {
        let terminal = InMemoryTerm::new(20, 120);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let progress = Progress::on(MultiProgress::with_draw_target(target), true, false);
        let profile = |name: &str| Some(name.parse::<ProfileName>().unwrap());
        for name in ["control-plane", "worker"] {
            let (phase, profile) = (Phase::Realising, profile(name));
            progress.emit(Event::PhaseStarted { phase, profile });
        }
        let part = |name: &str, subject: &str, done, unit| Event::Progress {
            phase: Phase::Realising,
            profile: profile(name),
            subject: subject.to_owned(),
            done,
            total: Some(10),
            unit,
        };
        progress.emit(part("worker", "derivations", 3, Unit::Items));
        progress.emit(part("control-plane", "linux-6.12", 5, Unit::Bytes));

        let rows = || -> Vec<String> {
            // The spinner comes first.
            let text =
                |line: &str| line.chars().skip(1).collect::<String>().trim_start().to_owned();
            terminal.contents().lines().map(text).collect()
        };
        // indicatif limits how often it draws.
        let deadline = Instant::now() + Duration::from_secs(10);
        while rows().iter().any(String::is_empty) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let shown = rows();
        let begins = ["control-plane: realising", "linux-6.12", "worker: realising", "derivations"];
        assert_eq!(shown.len(), begins.len(), "{shown:#?}");
        for (row, begin) in shown.iter().zip(begins) {
            assert!(row.starts_with(begin), "{shown:#?}");
        }
        assert!(shown[1].contains("5 B/10 B") && shown[3].contains("3/10"), "{shown:#?}");

        progress.emit(part("worker", "derivations", 10, Unit::Items));
        let profile = profile("control-plane");
        progress.emit(Event::PhaseFinished { phase: Phase::Realising, profile });
        let shown = rows();
        assert!(shown.len() == 1 && shown[0].starts_with("worker"), "{shown:#?}");

        // A phase that ends at one site continues at another.
        let at = |site: &str, event: Event| {
            progress.emit(Event::AtSite { site: site.parse().unwrap(), event: Box::new(event) });
        };
        let (phase, profile) = (Phase::Staging, None);
        for site in ["tokyo", "osaka"] {
            at(site, Event::PhaseStarted { phase, profile: profile.clone() });
        }
        at("tokyo", Event::PhaseFinished { phase, profile });
        let deadline = Instant::now() + Duration::from_secs(10);
        while rows().len() < 2 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let shown = rows();
        assert!(shown.len() == 2 && shown[1].starts_with("osaka: staging"), "{shown:#?}");
    }
}
