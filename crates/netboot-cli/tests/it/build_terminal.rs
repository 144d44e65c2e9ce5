//! `netboot build` on terminals, by the program `script`.

use std::process::Command;

use crate::workplace::Workplace;

#[test]
fn a_failure_is_shown_on_every_kind_of_terminal() {
    let place = Workplace::new();
    for terminal in ["xterm", "dumb"] {
        let program = env!("CARGO_BIN_EXE_netboot");
        let output = Command::new(netboot_testbed::tool("script"))
            .args(["-qec", &format!("{program} build --flake path:./nowhere"), "/dev/null"])
            .env("TERM", terminal)
            .current_dir(place.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success());
        assert!(said.contains("nowhere") && said.contains("what to do"), "{terminal}: {said:?}");
    }
}

#[test]
fn a_terminal_gets_bars_and_a_file_gets_lines() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let program = env!("CARGO_BIN_EXE_netboot");
    let output = Command::new(netboot_testbed::tool("script"))
        .args(["-qec", &format!("{program} build --flake {flake} --profile worker"), "/dev/null"])
        .envs(place.nix.environment())
        .env("TERM", "xterm")
        .current_dir(place.path())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    let escape = '\u{1b}';
    assert!(shown.contains(escape) && shown.contains("worker: realising"), "{shown:?}");

    let said = place.succeeds(&["--flake", &flake, "--profile", "worker"]);
    assert!(!said.contains(escape) && said.contains("worker: realising"), "{said:?}");
}
