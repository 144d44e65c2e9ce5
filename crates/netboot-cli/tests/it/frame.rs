//! The frame of the program: answers, failures, mistakes on the command line, and exit codes.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

fn netboot(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    netboot(arguments).output().unwrap()
}

/// The one object on standard output.
fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_failure_is_an_object_with_its_remedy() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing").display().to_string();
    let output = run(&["list", &missing, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let error = &object(&output)["error"];
    assert_eq!(error["message"], format!("there is no directory `{missing}`"));
    assert_eq!(error["causes"], json!([]));
    let hint = error["hint"].as_str().unwrap();
    let said = text(&output.stderr);
    assert!(said.starts_with("error: ") && said.contains(&format!("what to do: {hint}")), "{said}");

    let output = run(&["list", &missing]);
    assert!(output.stdout.is_empty() && output.status.code() == Some(1), "{output:?}");
}

#[test]
fn a_wrong_command_line_is_an_object_with_its_remedy() {
    for (arguments, message, hint) in [
        (vec!["list", "--jsn"], "unexpected argument '--jsn' found", "'--json'"),
        (vec!["lst"], "unrecognized subcommand 'lst'", "'list'"),
        (
            vec!["list"],
            "the following required arguments were not provided: <TARGET>",
            "write it as `netboot list",
        ),
        (vec![], "'netboot' requires a subcommand", "write it as `netboot [OPTIONS] <COMMAND>`"),
        (vec!["completions", "cmd"], "invalid value 'cmd' for '<SHELL>'", "read `netboot --help`"),
    ] {
        let output = run(&[&["--json"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = &object(&output)["error"];
        let (told, remedy) = (error["message"].as_str().unwrap(), error["hint"].as_str().unwrap());
        assert!(told.starts_with(message), "{told}");
        assert!(remedy.contains(hint), "{arguments:?}: {remedy}");
        assert!(text(&output.stderr).contains(message.split(':').next().unwrap()), "{output:?}");
        let without = run(&arguments);
        assert!(without.stdout.is_empty() && without.status.code() == Some(2), "{without:?}");
    }
    // The usage is followed.
    let directory = TempDir::new().unwrap();
    let there = directory.path().to_str().unwrap();
    assert_eq!(run(&["list", there]).status.code(), Some(1));
    // After `--`, nothing is an option.
    assert!(run(&["lst", "--", "--json"]).stdout.is_empty());
    // A text that is no target is a mistake on the command line, too.
    let output = run(&["list", "gopher://example.org/", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(object(&output)["error"]["hint"].as_str().unwrap().contains("s3://BUCKET/PREFIX"));
}

#[test]
fn the_version_and_the_help_are_answers() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(text(&run(&["--version"]).stdout), format!("netboot {version}\n"));
    assert_eq!(object(&run(&["--json", "--version"])), json!({ "version": version }));
    let help = text(&run(&["help"]).stdout);
    for part in ["Targets:", "Exit codes:", "Environment variables:", "rsync://HOST/MODULE/PATH"] {
        assert!(help.contains(part), "{help}");
    }
    let as_json = object(&run(&["list", "--help", "--json"]));
    assert!(as_json["help"].as_str().unwrap().contains("Usage: netboot list"), "{as_json}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for arguments in [vec!["completions", "bash"], vec!["help"], vec!["--json", "help"]] {
        let mut child =
            netboot(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let directory = TempDir::new().unwrap();
    let pages = directory.path().join("man1").display().to_string();
    let script = directory.path().join("bad.ipxe");
    std::fs::write(&script, "#!ipxe\npoweroff\n").unwrap();
    let script = script.display().to_string();
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["help"],
        &["help", "list"],
        &["list", "--help"],
        &["--version"],
        &["list", "-V"],
        &["completions", "bash"],
        &["man", &pages],
        &["lint", &script],
    ] {
        for more in [&[][..], &["--json"]] {
            let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
            let output = netboot(&[more, arguments].concat()).stdout(full).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?} {more:?}: {output:?}");
            let said = text(&output.stderr);
            assert!(said.contains("the answer cannot be written: No space left"), "{said}");
        }
    }
    // The object of a failure.
    for arguments in [["--json", "lst"], ["--json", "list"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = netboot(&arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    }
}

#[test]
fn closed_standard_streams_are_no_reason_to_panic() {
    let script = r#""$0" "$@" <&- >&- 2>&-"#;
    let program = env!("CARGO_BIN_EXE_netboot");
    for (arguments, code) in [(["completions", "bash"], 0), (["list", "/no/such/place"], 1)] {
        let run = Command::new("sh").args(["-c", script, program]).args(arguments).status();
        assert_eq!(run.unwrap().code(), Some(code), "{arguments:?}");
    }
}
