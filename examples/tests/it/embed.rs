//! `embed`, the first program for readers: it works, and is as short as the README says.

use std::path::Path;
use std::process::{Command, Output};

use netboot_testbed::{HermeticNix, RsyncDaemon, RsyncModule, Testbed};
use tempfile::TempDir;

fn embed(nix: &HermeticNix, work: &Path, arguments: [&str; 3]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embed"));
    command.args(arguments).current_dir(work).envs(nix.environment());
    if let Some(programs) = HermeticNix::program_directory() {
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", programs.display()));
    }
    command.output().unwrap()
}

#[test]
fn a_program_of_under_60_lines_publishes_to_two_places_or_says_what_to_do() {
    let source = include_str!("../../src/bin/embed.rs");
    assert!(source.lines().count() < 60);
    assert!(!source.contains("netboot_examples"), "readers have only the library");

    let (nix, work) = (HermeticNix::new(), TempDir::new().unwrap());
    let at = |name: &str| work.path().join(name).to_str().unwrap().to_owned();
    let flake = Testbed::locate().write_flake(&work.path().join("flake"), "first");
    std::fs::create_dir(at("mirror")).unwrap();
    let module = RsyncModule::new("pxe", Path::new(&at("mirror")));
    let daemon = RsyncDaemon::start(&work.path().join("daemon"), &[module]);
    let mirror = format!("rsync://127.0.0.1:{}/pxe", daemon.port());

    let output = embed(&nix, work.path(), [&flake, &at("here"), &mirror]);
    let [said, shown] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{shown}");
    assert!(said.contains("is live at 2 of 2 targets"), "{said}");
    // Each site has its own time of activation, and its own counter.
    let pointer = |place: &str| {
        let text = std::fs::read_to_string(Path::new(&at(place)).join("current.ipxe")).unwrap();
        let (script, history) = text.split_once("# netboot activated ").unwrap();
        let (second, release) = history.lines().next().unwrap().split_once(' ').unwrap();
        assert!(second.parse::<u64>().is_ok(), "{text}");
        (script.to_owned(), release.to_owned())
    };
    assert_eq!(pointer("here"), pointer("mirror"));
    for line in ["evaluating", "worker: built", "here: staging", "mirror: activating"] {
        assert!(shown.lines().any(|shown| shown == line), "`{line}` is not in {shown}");
    }
    assert!(shown.contains("mirror: staging worker/initrd: "), "{shown}");

    // A missing target and a missing flake each cause an error with a remedy.
    drop(daemon);
    let output = embed(&nix, work.path(), [&flake, &at("here"), &mirror]);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && shown.contains("  what to do: mirror: "), "{shown}");
    let output = embed(&nix, work.path(), [&at("nowhere"), &at("here"), &mirror]);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && shown.contains("Error: there is no flake"), "{shown}");
    assert!(shown.contains("  what to do: check the spelling"), "{shown}");
}
