//! `netboot completions`.

use std::process::Command;

use crate::place::assert_documented;

#[test]
fn a_shell_reads_its_script() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_netboot")).args(["completions", "bash"]).output().unwrap();
    assert!(output.status.success());
    let script = String::from_utf8(output.stdout).unwrap();
    let read = Command::new("bash").args(["-n", "-c", &script]).output().unwrap();
    assert!(read.status.success(), "{read:?}");
}

#[test]
fn the_script_is_in_an_object_for_programs() {
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netboot"));
        command.args(["completions", "zsh"]).args(more).output().unwrap().stdout
    };
    let object: serde_json::Value = serde_json::from_slice(&run(&["--json"])).unwrap();
    assert_documented("completions", &object);
    assert_eq!(object["shell"], "zsh");
    assert_eq!(object["script"].as_str().unwrap().as_bytes(), run(&[]));
}
