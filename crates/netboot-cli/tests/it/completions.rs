//! `netboot completions`.

use std::process::Command;

#[test]
fn a_shell_reads_its_script() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_netboot")).args(["completions", "bash"]).output().unwrap();
    assert!(output.status.success());
    let script = String::from_utf8(output.stdout).unwrap();
    let read = Command::new("bash").args(["-n", "-c", &script]).output().unwrap();
    assert!(read.status.success(), "{read:?}");
}
