//! Progress on real terminals of several widths, on dumb ones, and without a terminal.

use std::fs::File;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::image;
use crate::place::Place;
use crate::sleeping_flake::{SleepingFlake, eventually};
use crate::slow_server::SlowServer;
use crate::terminal::Terminal;

const SIZE: [&str; 5] = ["size", "--flake", "path:./flake", "--profile", "worker"];

/// A name that no terminal of 44 columns can show as a whole.
const NAME: &str = "nixos-system-netboot-control-plane-25.11.20260101.abcdef0";

/// True if the row has a spinner. A row that had wrapped would have a second line without one.
fn has_spinner(row: &str) -> bool {
    row.starts_with(|first: char| ('\u{2800}'..='\u{28ff}').contains(&first))
}

fn cancelled_on(columns: u16) {
    let place = SleepingFlake::new(NAME);
    let terminal = Terminal::start(columns, place.path(), &SIZE, &place.environment());
    let is_named = |rows: &[String]| rows.iter().any(|row| row.contains("  nixos-s"));
    let rows = terminal.until("name of the derivation", is_named);
    eventually("the builder's start", || place.builder_runs());
    let rows: Vec<_> = rows.iter().skip_while(|row| !has_spinner(row)).collect();
    assert!(rows.iter().all(|row| has_spinner(row)), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("worker: realising")), "{rows:#?}");
    let is_whole = rows.iter().any(|row| row.contains(NAME));
    assert_eq!(is_whole, columns > 44, "{rows:#?}");
    terminal.interrupt();
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(130), "{ended:#?}");
    let last = ended.left.last().unwrap();
    assert_eq!(last, "Cancelled; the image was not measured.", "{ended:#?}");
    assert!(!ended.left.iter().any(|row| has_spinner(row)), "{ended:#?}");
    // Messages are broken between words.
    let warning: Vec<&str> = ended.left.iter().flat_map(|row| row.split_whitespace()).collect();
    assert!(warning.join(" ").contains("no user has an authorized SSH key"), "{ended:#?}");
    assert!(!place.builder_runs(), "the builder outlived Ctrl-C");
}

#[test]
fn nothing_wraps_and_nothing_is_left_in_44_columns() {
    cancelled_on(44);
}

#[test]
fn nothing_wraps_and_nothing_is_left_in_80_columns() {
    cancelled_on(80);
}

#[test]
fn nothing_wraps_and_nothing_is_left_in_200_columns() {
    cancelled_on(200);
}

#[test]
fn a_dumb_terminal_gets_lines_without_escape_sequences() {
    let place = SleepingFlake::new("sleeper");
    let environment = [place.environment(), vec![("TERM".into(), "dumb".into())]].concat();
    let terminal = Terminal::start(80, place.path(), &SIZE, &environment);
    let is_named = |rows: &[String]| rows.iter().any(|row| row == "worker: building sleeper");
    terminal.until("name of the derivation", is_named);
    terminal.interrupt();
    let ended = terminal.end();
    assert_eq!(ended.status.code(), Some(130), "{ended:#?}");
    assert!(!ended.written.contains('\u{1b}'), "{ended:#?}");
    let last = ended.left.last().unwrap();
    assert!(last.ends_with("Cancelled; the image was not measured."), "{ended:#?}");
}

#[test]
fn no_color_leaves_the_colours_out_of_help_and_messages() {
    let directory = tempfile::TempDir::new().unwrap();
    let coloured = |environment: &[_]| {
        let ended = Terminal::start(80, directory.path(), &["lst"], environment).end();
        assert_eq!(ended.status.code(), Some(2), "{ended:#?}");
        ended.written.contains('\u{1b}')
    };
    assert!(coloured(&[]));
    assert!(!coloured(&[("NO_COLOR".into(), "1".into())]));
}

/// Each signal ends the program with its code and with one line, also in a pipe.
fn signals_end_with_one_line(arguments: &[&str], line: &str, logs: &str) {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let place = SleepingFlake::new("sleeper");
        let said = place.path().join("said");
        let child = Command::new(env!("CARGO_BIN_EXE_netboot"))
            .args(arguments)
            .arg("--json")
            .envs(place.environment())
            .current_dir(place.path())
            .stdout(Stdio::piped())
            .stderr(File::create(&said).unwrap())
            .spawn()
            .unwrap();
        // The builder runs a moment before Nix tells it.
        let text = || std::fs::read_to_string(&said).unwrap();
        let is_told = || text().contains("worker: building sleeper\n");
        eventually("the builder's start", || place.builder_runs() && is_told());
        let before = text();
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(id, signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(!place.builder_runs(), "a builder outlived {signal:?}");
        assert_eq!(text(), format!("{before}{line}\n"));
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(object["error"]["message"], line);
        let left = place.path().join(logs).join("derivations");
        let names = std::fs::read_dir(left).unwrap().map(|entry| entry.unwrap().file_name());
        let half_written: Vec<_> =
            names.filter(|name| name.to_string_lossy().starts_with('.')).collect();
        assert!(half_written.is_empty(), "{half_written:?}");
    }
}

#[test]
fn a_signal_ends_the_builders_of_a_measurement() {
    let line = "Cancelled; the image was not measured.";
    signals_end_with_one_line(&SIZE, line, ".netboot/logs");
}

#[test]
fn a_signal_ends_the_builders_of_images() {
    let build = ["build", "--flake", "path:./flake", "--profile", "worker"];
    signals_end_with_one_line(&build, "Cancelled; nothing was built.", "artifacts/.netboot/logs");
}

#[test]
fn the_verification_of_a_url_shows_its_bytes() {
    let place = Place::directory();
    image::write(&place.path("worker"), "one=1");
    let initrd = File::options().write(true).open(place.path("worker/initrd")).unwrap();
    initrd.set_len(32 << 20).unwrap();
    place.succeeds(&["publish", "worker", "--to", &place.target()]);
    let server = SlowServer::start(&place.published().join("nixos"));
    let url = server.url();
    let terminal = Terminal::start(80, &place.published(), &["verify", &url], &[]);
    let counts = |row: &String| row.contains("  files ") && row.ends_with("B/s");
    terminal.until("bytes of the files", |rows| rows.iter().any(counts));
    server.go_on();
    let ended = terminal.end();
    assert!(ended.status.success() && ended.left.len() == 1, "{ended:#?}");
    assert!(ended.left[0].contains("nothing wrong"), "{ended:#?}");
}

/// A shell writes its prompt on a line of its own, and a copied line has no spaces at its end.
#[test]
fn the_last_line_ends_with_a_line_feed() {
    let place = SleepingFlake::new(NAME);
    let terminal = Terminal::start(80, place.path(), &SIZE, &place.environment());
    let is_named = |rows: &[String]| rows.iter().any(|row| row.contains("  nixos-s"));
    terminal.until("name of the derivation", is_named);
    terminal.interrupt();
    let ended = terminal.end();
    assert!(ended.written.ends_with("Cancelled; the image was not measured.\r\n"), "{ended:#?}");
    // A warning came while there were rows.
    let warning = ended.written.split("no user has an authorized SSH key").nth(1).unwrap();
    let line = warning.lines().next().unwrap();
    assert!(!line.ends_with(' '), "{line:?}");

    let directory = tempfile::tempdir().unwrap();
    let ended = Terminal::start(80, directory.path(), &["list", "./missing"], &[]).end();
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.written.ends_with(" show\r\n"), "{ended:#?}");
    assert!(ended.written.lines().all(|line| !line.ends_with(' ')), "{ended:#?}");
}
