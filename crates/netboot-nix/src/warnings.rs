//! Reports the warnings of Nix while it runs.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::mem::{Discriminant, discriminant};
use std::sync::{Mutex, PoisonError};

use netboot_core::{Context, Event, ProfileName, counted};

use crate::classify::warning::Warning;
use crate::internal_json::LogEvent;

/// The number of different warnings of one kind that a run of Nix reports about one profile.
const REPORTED: usize = 50;

/// The number of different warnings that are told apart, for the count of those that are not
/// reported.
const TOLD_APART: usize = 100_000;

/// The beginning of the texts that the evaluation prints before each profile. The flake's code
/// cannot know its number, so it cannot print such a text itself.
#[derive(Debug)]
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn new() -> Self {
        let numbers = [0, 1].map(|number| RandomState::new().hash_one(number));
        Self(format!("netboot {:016x}{:016x} evaluates ", numbers[0], numbers[1]))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A module's copy in the store and its path, if the text begins with this mark and tells it.
    pub(crate) fn module_in<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str)> {
        text.strip_prefix(&self.0)?.strip_prefix("module ")?.split_once(' ')
    }

    /// The profile in a text that the evaluation printed, if it begins with this mark.
    fn profile_in(&self, text: &str) -> Option<ProfileName> {
        text.strip_prefix(&self.0)?.parse().ok()
    }
}

/// Reports each warning of one run of Nix once, when it arrives. The number of warnings beyond the
/// limit is reported when this is dropped.
#[derive(Debug)]
pub(crate) struct Warnings<'a> {
    context: &'a Context,
    profile: Option<ProfileName>,
    mark: Option<&'a Mark>,
    hasher: RandomState,
    /// The hashes of the warnings that arrived.
    known: HashSet<u64>,
    counts: BTreeMap<Option<ProfileName>, Counts>,
}

/// The numbers of different warnings about a profile.
#[derive(Debug, Default)]
struct Counts {
    reported: Vec<(Discriminant<Warning>, usize)>,
    more: usize,
    /// Some of `more` may be the same.
    is_inexact: bool,
}

impl<'a> Warnings<'a> {
    /// The warnings of a run of Nix for `profile`, or for none or several.
    pub(crate) fn new(profile: Option<&ProfileName>, context: &'a Context) -> Self {
        Self {
            context,
            profile: profile.cloned(),
            mark: None,
            hasher: RandomState::new(),
            known: HashSet::new(),
            counts: BTreeMap::new(),
        }
    }

    /// The warnings of a run that prints this mark before it evaluates each profile. Warnings of
    /// code that several profiles share are those of the first, because Nix evaluates it once.
    pub(crate) fn with_mark(mark: &'a Mark, context: &'a Context) -> Self {
        let mut warnings = Self::new(None, context);
        warnings.mark = Some(mark);
        warnings
    }

    /// The mark that the run prints.
    pub(crate) fn mark(&self) -> Option<&'a Mark> {
        self.mark
    }

    pub(crate) fn record(&mut self, event: &LogEvent) {
        match event {
            LogEvent::Warning { message } => self.report(message),
            // Nix prints plain text before it has a logger, and without `--log-format`.
            LogEvent::Plain { line } => {
                if let Some(message) = line.strip_prefix("warning:") {
                    self.report(message.trim());
                }
            }
            LogEvent::Trace { message } => {
                if let Some(profile) = self.mark.and_then(|mark| mark.profile_in(message)) {
                    self.profile = Some(profile);
                }
            }
            _ => {}
        }
    }

    fn report(&mut self, message: &str) {
        let Some(warning) = Warning::read(message) else { return };
        let profile = self.profile.clone().filter(|_| !warning.is_of_all_profiles());
        let (message, hint) = (warning.to_string(), warning.hint());
        let hash = self.hasher.hash_one((&profile, &message));
        let are_too_many = self.known.len() == TOLD_APART;
        if self.known.contains(&hash) {
            return;
        }
        if !are_too_many {
            self.known.insert(hash);
        }
        let counts = self.counts.entry(profile.clone()).or_default();
        let kind = discriminant(&warning);
        let index = counts.reported.iter().position(|(known, _)| *known == kind);
        let index = index.unwrap_or_else(|| {
            counts.reported.push((kind, 0));
            counts.reported.len() - 1
        });
        let (_, reported) = &mut counts.reported[index];
        if *reported == REPORTED {
            counts.more += 1;
            counts.is_inexact |= are_too_many;
            return;
        }
        *reported += 1;
        self.context.emit(Event::Warning { profile, message, hint });
    }
}

impl Drop for Warnings<'_> {
    fn drop(&mut self) {
        for (profile, Counts { more, is_inexact, .. }) in std::mem::take(&mut self.counts) {
            if more > 0 {
                let some_are_the_same = if is_inexact { ", some of them twice" } else { "" };
                let message =
                    format!("Nix printed {} more{some_are_the_same}", counted(more, "warning"));
                self.context.emit(Event::Warning { profile, message, hint: None });
            }
        }
    }
}

/// A context for one call of a builder, which reports no warning twice. Each run of Nix prints the
/// warnings about the machine again, and a configuration that fails is evaluated again.
pub(crate) fn without_repetitions(context: &Context) -> Context {
    let (original, hasher) = (context.clone(), RandomState::new());
    let known = Mutex::new(HashSet::new());
    context.clone().with_events(move |event: Event| {
        if let Event::Warning { profile, message, hint } = &event {
            let hash = hasher.hash_one((profile, message, hint));
            if !known.lock().unwrap_or_else(PoisonError::into_inner).insert(hash) {
                return;
            }
        }
        original.emit(event);
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn recorded(work: impl FnOnce(&Context)) -> Vec<(Option<String>, String)> {
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = events.clone();
        work(&Context::new().with_events(move |event| sink.lock().unwrap().push(event)));
        let warning = |event: &Event| match event {
            Event::Warning { profile, message, .. } => {
                Some((profile.as_ref().map(ToString::to_string), message.clone()))
            }
            _ => None,
        };
        let events = events.lock().unwrap();
        events.iter().filter_map(warning).collect()
    }

    fn warning(text: &str) -> LogEvent {
        LogEvent::Warning { message: text.into() }
    }

    #[test]
    fn the_ones_beyond_the_limit_are_counted_for_each_profile_and_kind() {
        let mark = Mark::new();
        let evaluates = |name: &str| LogEvent::Trace { message: (mark.0.clone() + name).into() };
        let told = recorded(|context| {
            let mut warnings = Warnings::with_mark(&mark, context);
            warnings.record(&warning("the flake"));
            for (profile, count) in [("a", 700), ("b", 51), ("c", 1)] {
                warnings.record(&evaluates(profile));
                for _ in 0..2 {
                    for number in 0..count {
                        warnings.record(&warning(&format!("number {number}")));
                    }
                }
            }
            let plain = "warning: unknown setting 'x'".into();
            warnings.record(&LogEvent::Plain { line: plain });
            warnings.record(&LogEvent::Plain { line: "a line of git".into() });
        });
        let of = |name: &str| {
            let is_it = |it: &&(Option<String>, _)| it.0.as_deref() == Some(name);
            told.iter().filter(is_it).map(|it| it.1.as_str()).collect::<Vec<_>>()
        };
        assert_eq!((of("a").len(), of("b").len(), of("c").len()), (51, 51, 1));
        assert_eq!(of("a")[50], "Nix printed 650 warnings more");
        assert_eq!(of("b")[49..], ["number 49", "Nix printed 1 warning more"]);
        assert_eq!(told[0], (None, "the flake".to_owned()));
        let setting = "this Nix does not know the setting `x` and ignores it".to_owned();
        assert!(told.contains(&(None, setting)), "{told:?}");
    }

    #[test]
    fn a_text_without_the_mark_of_the_run_changes_no_profile() {
        let mark = Mark::new();
        let told = recorded(|context| {
            let mut warnings = Warnings::with_mark(&mark, context);
            let other = Mark::new();
            let forged = [format!("{}b", other.0), format!(" {}b", mark.0), format!("{}/", mark.0)];
            warnings.record(&LogEvent::Trace { message: (mark.0.clone() + "a").into() });
            for message in forged {
                warnings.record(&LogEvent::Trace { message: message.as_str().into() });
                warnings.record(&warning(&message));
            }
        });
        let of_a = told.iter().filter(|(profile, _)| profile.as_deref() == Some("a"));
        assert_eq!((of_a.count(), told.len()), (3, 3), "{told:?}");
    }
}
