//! The rows on terminals of several widths.

use std::cell::RefCell;
use std::time::Instant;

use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};
use netboot_core::Phase;

use super::*;

thread_local! {
    /// The terminal of this test.
    static TERMINAL: RefCell<Option<InMemoryTerm>> = const { RefCell::new(None) };
}

fn write(text: &str) {
    TERMINAL.with_borrow(|terminal| {
        text.lines().for_each(|line| terminal.as_ref().unwrap().write_line(line).unwrap());
    });
}

/// A terminal of `columns` columns, and what shows events on it.
fn on_terminal(height: u16, columns: u16, returned: fn() -> u16) -> (InMemoryTerm, Progress) {
    let terminal = InMemoryTerm::new(height, columns);
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    TERMINAL.set(Some(terminal.clone()));
    let bars = MultiProgress::with_draw_target(target);
    (terminal, Progress::on(bars, true, Screen { columns: returned, write }, false))
}

fn profile(name: &str) -> ProfileName {
    name.parse().unwrap()
}

fn part(name: &str, subject: &str, done: u64, total: Option<u64>, unit: Unit) -> Event {
    let (phase, profile, subject) = (Phase::Realising, Some(profile(name)), subject.to_owned());
    Event::Progress { phase, profile, subject, done, total, unit }
}

/// The rows without their spinners, when `is_drawn` holds for them. indicatif limits how often it
/// draws.
fn rows(terminal: &InMemoryTerm, is_drawn: impl Fn(&[String]) -> bool) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let without_spinner = |line: &str| line.chars().skip(2).collect();
        let rows: Vec<String> = terminal.contents().lines().map(without_spinner).collect();
        if is_drawn(&rows) || Instant::now() > deadline {
            return rows;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn rows_never_wrap_and_nothing_is_left() {
    let long = "nixos-system-netboot-control-plane-25.11.20260101.abcdef0";
    let widths: [(u16, fn() -> u16); 3] = [(44, || 44), (80, || 80), (200, || 200)];
    for (columns, returned) in widths {
        let (terminal, progress) = on_terminal(20, columns, returned);
        for name in ["control-plane", "worker", "storage"] {
            progress.emit(Event::ProfileWaiting { profile: profile(name) });
        }
        for name in ["control-plane", "worker"] {
            let (phase, profile) = (Phase::Realising, Some(profile(name)));
            progress.emit(Event::PhaseStarted { phase, profile });
        }
        progress.emit(part("control-plane", long, 0, Some(1), Unit::Items));
        progress.emit(part("control-plane", "initrd", 5 << 20, Some(10 << 20), Unit::Bytes));
        progress.emit(part("worker", "derivations", 3, Some(10), Unit::Items));
        progress.emit(part("worker", "名古屋の計算機の初期化の名前", 1, None, Unit::Bytes));
        let shown = rows(&terminal, |rows| {
            let drawn = ["5.0/", " 3/10"].iter().all(|amount| rows.concat().contains(amount));
            rows.len() == 7 && rows[6] == "waiting: storage" && drawn
        });
        let begins = [
            "control-plane: realising",
            "  initrd",
            "  nixos-system",
            "worker: realising",
            "  名古屋",
            "  derivations",
            "waiting: storage",
        ];
        assert_eq!(shown.len(), begins.len(), "{columns}: {shown:#?}");
        for (row, begin) in shown.iter().zip(begins) {
            assert!(row.starts_with(begin), "{columns}: {shown:#?}");
        }
        assert!(shown[1].contains("5.0/10.0 MiB"), "{columns}: {shown:#?}");
        assert!(shown[5].contains("3/10"), "{columns}: {shown:#?}");
        let is_cut = shown[2].contains("…");
        assert_eq!(is_cut, columns < 80, "{columns}: {shown:#?}");

        progress.line("control-plane: warning: the image is large");
        let shown = terminal.contents();
        assert!(shown.starts_with("control-plane: warning: the image is large\n"), "{shown}");
        progress.end("Cancelled; nothing was published.");
        let left = "control-plane: warning: the image is large\nCancelled; nothing was published.";
        assert_eq!(terminal.contents(), left);
        // Work that has not stopped yet shows nothing more.
        progress.line("worker: warning: late");
        progress.emit(part("worker", "derivations", 4, Some(10), Unit::Items));
        assert_eq!(terminal.contents(), left);
    }
}

#[test]
fn parts_and_phases_go_when_they_end() {
    let (terminal, progress) = on_terminal(20, 120, || 120);
    for name in ["control-plane", "worker"] {
        let (phase, profile) = (Phase::Realising, Some(profile(name)));
        progress.emit(Event::PhaseStarted { phase, profile });
        progress.emit(part(name, "derivations", 3, Some(10), Unit::Items));
    }
    progress.emit(part("worker", "derivations", 10, Some(10), Unit::Items));
    let profile = Some(profile("control-plane"));
    progress.emit(Event::PhaseFinished { phase: Phase::Realising, profile });
    let shown = rows(&terminal, |rows| rows.len() == 1);
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
    let shown = rows(&terminal, |rows| rows.len() == 2 && rows[1].starts_with("osaka"));
    assert!(shown.len() == 2 && shown[1].starts_with("osaka: staging"), "{shown:#?}");
}

#[test]
fn a_profile_no_longer_waits_when_its_work_begins_or_has_failed() {
    let (terminal, progress) = on_terminal(20, 80, || 80);
    for name in ["one", "two", "three"] {
        progress.emit(Event::ProfileWaiting { profile: profile(name) });
    }
    let shown = |expected: &'static str| {
        let rows = rows(&terminal, |rows| rows.last().is_some_and(|row| row == expected));
        assert_eq!(rows.last().map(String::as_str), Some(expected));
    };
    shown("waiting: one, two, three");
    progress.emit(Event::PhaseStarted { phase: Phase::Realising, profile: Some(profile("two")) });
    shown("waiting: one, three");
    let failed = |name: &str| Event::ProfileFinished { profile: profile(name), succeeded: false };
    progress.emit(failed("one"));
    progress.emit(failed("three"));
    let shown = rows(&terminal, |rows| rows.len() == 3);
    // The lines of the failed profiles stay above the row.
    assert!(shown.len() == 3 && shown[2].starts_with("two: realising"), "{shown:#?}");
}

#[test]
fn a_signal_shows_that_the_work_is_being_stopped() {
    let (terminal, progress) = on_terminal(20, 44, || 44);
    progress.emit(Event::PhaseStarted { phase: Phase::Staging, profile: None });
    progress.stop();
    let expected = "stopping; Ctrl-C again ends it at once";
    let shown = rows(&terminal, |rows| rows.len() == 1 && rows[0] == expected);
    assert_eq!(shown, [expected]);
    progress.emit(Event::PhaseStarted { phase: Phase::Activating, profile: None });
    progress.end("Cancelled.");
    assert_eq!(terminal.contents(), "Cancelled.");
}

#[test]
fn a_service_shows_lines_in_its_own_words_until_its_end() {
    let (terminal, progress) = on_terminal(20, 44, || 44);
    let progress = progress.with_words(str::to_uppercase).with_lines_after_stop();
    progress.stop();
    progress.line("a job was stopped");
    let expected = ["JOB WAS STOPPED", "stopping; Ctrl-C again ends it at once"];
    let shown = rows(&terminal, |rows| rows.len() == 2 && rows[1] == expected[1]);
    assert_eq!(shown, expected);
    progress.end("ended");
    progress.line("late");
    assert_eq!(terminal.contents(), "A JOB WAS STOPPED\nended");
}
