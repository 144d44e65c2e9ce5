//! What is reported while work runs: names that others may rely on, order, and the way to stop it.
#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

use std::sync::{Arc, Mutex};

use netboot_core::{CancellationToken, Context, Error, Event, EventSink, Phase, Unit};
use serde_json::{Value, json};

/// One event of each kind, with everything and with as little as there may be, and its JSON.
fn events() -> Vec<(Event, Value)> {
    let worker = "worker".parse().unwrap();
    let profile = || Some("worker".parse().unwrap());
    vec![
        (
            Event::PhaseStarted { phase: Phase::Evaluating, profile: None },
            json!({ "event": "phase-started", "phase": "evaluating", "profile": null }),
        ),
        (
            Event::PhaseFinished { phase: Phase::Hashing, profile: profile() },
            json!({ "event": "phase-finished", "phase": "hashing", "profile": "worker" }),
        ),
        (
            Event::Progress {
                phase: Phase::Staging,
                profile: profile(),
                subject: "initrd".to_owned(),
                done: 7,
                total: Some(10),
                unit: Unit::Bytes,
            },
            json!({
                "event": "progress", "phase": "staging", "profile": "worker", "subject": "initrd",
                "done": 7, "total": 10, "unit": "bytes",
            }),
        ),
        (
            Event::Progress {
                phase: Phase::Realising,
                profile: None,
                subject: "derivations".to_owned(),
                done: u64::MAX,
                total: None,
                unit: Unit::Items,
            },
            json!({
                "event": "progress", "phase": "realising", "profile": null,
                "subject": "derivations", "done": u64::MAX, "total": null, "unit": "items",
            }),
        ),
        (
            Event::Log {
                profile: None, origin: "rsync".to_owned(), line: "\u{1b}[1mä".to_owned()
            },
            json!({ "event": "log", "profile": null, "origin": "rsync", "line": "\u{1b}[1mä" }),
        ),
        (
            Event::Warning { profile: profile(), message: "large".to_owned(), hint: None },
            json!({ "event": "warning", "profile": "worker", "message": "large", "hint": null }),
        ),
        (
            Event::ProfileFinished { profile: worker, succeeded: false },
            json!({ "event": "profile-finished", "profile": "worker", "succeeded": false }),
        ),
    ]
}

#[test]
fn the_names_in_json_are_stable() {
    for (event, expected) in events() {
        assert_eq!(serde_json::to_value(&event).unwrap(), expected);
        let line = serde_json::to_string(&event).unwrap();
        assert!(!line.contains('\n'), "one event, one line: {line}");
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }
    serde_json::from_str::<Event>(r#"{"event":"unheard-of"}"#).unwrap_err();
}

#[test]
fn a_phase_has_one_name_for_people_and_programs() {
    for (phase, name) in [
        (Phase::Locking, "locking"),
        (Phase::Evaluating, "evaluating"),
        (Phase::Realising, "realising"),
        (Phase::Hashing, "hashing"),
        (Phase::Rendering, "rendering"),
        (Phase::Staging, "staging"),
        (Phase::Verifying, "verifying"),
        (Phase::Activating, "activating"),
        (Phase::Pruning, "pruning"),
        (Phase::Booting, "booting"),
    ] {
        assert_eq!(phase.to_string(), name);
        assert_eq!(serde_json::to_value(phase).unwrap(), name);
    }
    let mut in_order = [Phase::Booting, Phase::Staging, Phase::Locking];
    in_order.sort();
    assert_eq!(in_order, [Phase::Locking, Phase::Staging, Phase::Booting]);
}

#[test]
fn a_phase_ends_when_its_guard_is_dropped_however_that_comes() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let context = Context::new().with_events(move |event: Event| sink.lock().unwrap().push(event));
    let fails = |context: &Context| -> Result<(), Error> {
        let _all = context.phase(Phase::Hashing, None);
        let _one = context.phase(Phase::Staging, Some(&"worker".parse()?));
        Err(Error::EmptyRelease)
    };
    fails(&context).unwrap_err();
    let profile = Some("worker".parse().unwrap());
    assert_eq!(
        *seen.lock().unwrap(),
        [
            Event::PhaseStarted { phase: Phase::Hashing, profile: None },
            Event::PhaseStarted { phase: Phase::Staging, profile: profile.clone() },
            Event::PhaseFinished { phase: Phase::Staging, profile },
            Event::PhaseFinished { phase: Phase::Hashing, profile: None },
        ],
    );
}

#[test]
fn a_channel_is_a_sink_whether_anybody_listens_or_not() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let context = Context::new().with_events(sender);
    let sent: Vec<Event> = events().into_iter().map(|(event, _)| event).collect();
    for event in &sent {
        context.emit(event.clone());
    }
    let received: Vec<Event> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
    assert_eq!(received, sent, "events arrive in their order");
    drop(receiver);
    context.emit(sent[0].clone());
    Context::default().emit(sent[0].clone());
}

#[test]
fn a_cancelled_context_says_so_to_all_its_clones() {
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let clone = context.clone();
    context.check().unwrap();
    token.cancel();
    for context in [&context, &clone] {
        assert!(matches!(context.check(), Err(Error::Cancelled)));
        assert!(context.cancellation().is_cancelled());
    }
    Context::new().check().unwrap();
    assert!(format!("{context:?}").starts_with("Context"));
}

/// Many threads may report to one sink.
#[test]
fn a_sink_takes_events_of_many_threads() {
    let count = Arc::new(Mutex::new(0));
    let counting = count.clone();
    let sink: Arc<dyn EventSink> = Arc::new(move |_: Event| *counting.lock().unwrap() += 1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (event, _) in events() {
                    sink.emit(event);
                }
            });
        }
    });
    assert_eq!(*count.lock().unwrap(), 4 * events().len());
}
