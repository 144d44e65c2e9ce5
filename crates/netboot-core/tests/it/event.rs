//! Events: their stable names, and their receivers.

use std::sync::{Arc, Mutex};

use netboot_core::{
    ArtifactKind, CancellationToken, Context, Error, Event, FileArtifact, FileName, Phase,
    ProfileName, SiteName, Unit,
};
use serde_json::json;

fn worker() -> ProfileName {
    "worker".parse().unwrap()
}

/// Programs read these names, so they must not change.
#[test]
fn events_are_json_of_stable_names() {
    let (profile, phase) = (Some(worker()), Phase::Realising);
    let subject = "linux-6.1.drv".to_owned();
    let (done, total, unit) = (3, Some(4), Unit::Items);
    let (message, hint) = ("large".to_owned(), None);
    let (origin, line) = ("nix".to_owned(), "building".to_owned());
    let events = [
        (
            Event::PhaseStarted { phase, profile: profile.clone() },
            json!({"event": "phase-started", "phase": "realising", "profile": "worker"}),
        ),
        (
            Event::PhaseFinished { phase, profile: None },
            json!({"event": "phase-finished", "phase": "realising", "profile": null}),
        ),
        (
            Event::Progress { phase, profile: profile.clone(), subject, done, total, unit },
            json!({"event": "progress", "phase": "realising", "profile": "worker",
                "subject": "linux-6.1.drv", "done": 3, "total": 4, "unit": "items"}),
        ),
        (
            Event::Log { profile: profile.clone(), origin, line },
            json!({"event": "log", "profile": "worker", "origin": "nix", "line": "building"}),
        ),
        (
            Event::Warning { profile, message, hint },
            json!({"event": "warning", "profile": "worker", "message": "large", "hint": null}),
        ),
        (
            Event::ProfileWaiting { profile: worker() },
            json!({"event": "profile-waiting", "profile": "worker"}),
        ),
        (
            Event::ProfileFinished { profile: worker(), succeeded: true },
            json!({"event": "profile-finished", "profile": "worker", "succeeded": true}),
        ),
    ];
    for (event, expected) in events {
        assert_eq!(serde_json::to_value(&event).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Event>(expected).unwrap(), event);
    }
    assert_eq!(serde_json::to_value(Unit::Bytes).unwrap(), "bytes");
}

#[test]
fn an_event_is_a_line_for_people() {
    let profile: Option<ProfileName> = Some("worker".parse().unwrap());
    let phase = Phase::Staging;
    let progress = |total, unit| Event::Progress {
        phase,
        profile: None,
        subject: "initrd".to_owned(),
        done: 3,
        total,
        unit,
    };
    let warning = |hint: Option<&str>| Event::Warning {
        profile: profile.clone(),
        message: "too large".to_owned(),
        hint: hint.map(str::to_owned),
    };
    let log = Event::Log { profile: None, origin: "nix".to_owned(), line: "copying".to_owned() };
    let finished =
        |succeeded| Event::ProfileFinished { profile: "worker".parse().unwrap(), succeeded };
    let lines = [
        (Event::PhaseStarted { phase, profile: profile.clone() }, "worker: staging"),
        (Event::PhaseFinished { phase, profile: None }, "staging finished"),
        (progress(Some(4), Unit::Bytes), "staging initrd: 3 of 4 bytes"),
        (progress(None, Unit::Items), "staging initrd: 3"),
        (log.clone(), "nix> copying"),
        (warning(None), "worker: warning: too large"),
        (warning(Some("raise it")), "worker: warning: too large; raise it"),
        (finished(true), "worker: built"),
        (finished(false), "worker: failed"),
    ];
    for (event, line) in lines {
        assert_eq!(event.to_string(), line);
        assert_eq!(event.by_site(), (None, &event));
        let site: SiteName = "tokyo".parse().unwrap();
        let there = Event::AtSite { site: site.clone(), event: Box::new(event.clone()) };
        assert_eq!(there.to_string(), format!("tokyo: {line}"));
        assert_eq!(there.by_site(), (Some(&site), &event));
    }
}

#[test]
fn phases_have_one_name_for_people_and_programs() {
    let phases = [
        (Phase::Locking, "locking"),
        (Phase::Evaluating, "evaluating"),
        (Phase::Realising, "realising"),
        (Phase::Packing, "packing"),
        (Phase::Scanning, "scanning"),
        (Phase::Hashing, "hashing"),
        (Phase::Rendering, "rendering"),
        (Phase::Staging, "staging"),
        (Phase::Verifying, "verifying"),
        (Phase::Activating, "activating"),
        (Phase::Pruning, "pruning"),
        (Phase::Booting, "booting"),
    ];
    for (phase, name) in phases {
        assert_eq!(phase.to_string(), name);
        assert_eq!(serde_json::to_value(phase).unwrap(), name);
    }
    // In order from a profile to a machine.
    assert!(phases.is_sorted_by_key(|(phase, _)| *phase));
}

#[test]
fn a_phase_begins_and_ends_however_it_is_left() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = events.clone();
    let context = Context::new().with_events(move |event| sink.lock().unwrap().push(event));
    let work = |fails: bool| -> Result<(), Error> {
        let _phase = context.phase(Phase::Hashing, Some(&worker()));
        if fails {
            return Err(Error::EmptyRelease);
        }
        context.emit(Event::ProfileFinished { profile: worker(), succeeded: true });
        Ok(())
    };
    let (phase, profile) = (Phase::Hashing, Some(worker()));
    let started = Event::PhaseStarted { phase, profile: profile.clone() };
    let finished = Event::PhaseFinished { phase, profile };
    let between = Event::ProfileFinished { profile: worker(), succeeded: true };

    work(false).unwrap();
    let found = std::mem::take(&mut *events.lock().unwrap());
    assert_eq!(found, [started.clone(), between, finished.clone()]);
    work(true).unwrap_err();
    assert_eq!(std::mem::take(&mut *events.lock().unwrap()), [started, finished]);
    drop(context.phase(Phase::Staging, None));
    let end = Event::PhaseFinished { phase: Phase::Staging, profile: None };
    assert_eq!(events.lock().unwrap().last(), Some(&end));
}

#[test]
fn a_channel_that_nobody_reads_any_more_stops_no_work() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let context = Context::new().with_events(sender);
    let event = Event::ProfileFinished { profile: worker(), succeeded: false };
    context.emit(event.clone());
    assert_eq!(receiver.try_recv().unwrap(), event);
    drop(receiver);
    context.emit(event);
}

#[test]
fn a_context_is_cancelled_by_its_token_alone() {
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let copy = context.clone();
    context.check().unwrap();
    token.cancel();
    assert!(matches!(copy.check(), Err(Error::Cancelled)));
    Context::default().check().unwrap();
    assert!(format!("{context:?}").starts_with("Context"));
}

#[test]
fn a_sink_gets_no_text_that_controls_a_terminal_or_forges_a_line() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let taken = events.clone();
    let context = Context::new().with_events(move |event: Event| taken.lock().unwrap().push(event));
    let hostile = || format!("a\u{1b}[2K\r\nerror: b\u{202e}\u{200b}{}", "x".repeat(1 << 20));
    let (profile, phase) = (None, Phase::Realising);
    let (done, total, unit) = (1, None, Unit::Bytes);
    let log = Event::Log { profile: None, origin: hostile(), line: hostile() };
    context.emit(Event::AtSite { site: "tokyo".parse().unwrap(), event: Box::new(log) });
    context.emit(Event::Progress { phase, profile, subject: hostile(), done, total, unit });
    context.emit(Event::Warning { profile: None, message: hostile(), hint: Some(hostile()) });
    for event in events.lock().unwrap().iter() {
        let shown = event.to_string();
        assert!(shown.len() < 40_000, "{} bytes", shown.len());
        let is_bad = |character: char| character.is_control() && character != '\n';
        assert!(!shown.contains(is_bad) && !shown.contains(['\u{202e}', '\u{200b}']));
        assert!(shown.lines().skip(1).all(|line| line.starts_with("  | ")), "{}", &shown[..200]);
        // An event that passes a second context does not change.
        let again = Arc::new(Mutex::new(None));
        let taken = again.clone();
        let second = Context::new().with_events(move |event: Event| {
            *taken.lock().unwrap() = Some(event);
        });
        second.emit(event.clone());
        assert_eq!(again.lock().unwrap().as_ref(), Some(event));
    }
}

#[tokio::test]
async fn hashing_a_large_file_reports_its_bytes_for_the_profile() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("initrd");
    let size = 20 << 20;
    std::fs::File::create(&path).unwrap().set_len(size).unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = events.clone();
    let context = Context::new().with_events(move |event| sink.lock().unwrap().push(event));
    let name = FileName::new("initrd").unwrap();
    let context = context.for_profile(&worker());
    FileArtifact::open(ArtifactKind::Initrd, name, &path, &context).await.unwrap();
    let progress = |done: u64| Event::Progress {
        phase: Phase::Hashing,
        profile: Some(worker()),
        subject: "initrd".to_owned(),
        done,
        total: Some(size),
        unit: Unit::Bytes,
    };
    let expected = [8 << 20, 16 << 20, size].map(progress);
    assert_eq!(*events.lock().unwrap(), expected);
}

#[test]
fn a_context_of_a_profile_leaves_what_names_another_profile_or_site() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = events.clone();
    let context = Context::new().with_events(move |event| sink.lock().unwrap().push(event));
    let (context, phase) = (context.for_profile(&worker()), Phase::Staging);
    let started = |profile| Event::PhaseStarted { phase, profile };
    let (other, site): (ProfileName, SiteName) = ("b".parse().unwrap(), "osaka".parse().unwrap());
    let at_site = Event::AtSite { site, event: Box::new(started(None)) };
    context.emit(started(None));
    context.emit(started(Some(other.clone())));
    context.emit(at_site.clone());
    context.wait_for([&other]);
    let expected = [
        started(Some(worker())),
        started(Some(other.clone())),
        at_site,
        Event::ProfileWaiting { profile: other },
    ];
    assert_eq!(*events.lock().unwrap(), expected);
}
