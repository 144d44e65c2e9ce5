//! A store whose paths begin with `/nix/store`, while its files lie below another root.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use netboot_testbed::HermeticNix;

/// Runs one of Nix's programs on a store whose files lie below `root`, and returns its output.
pub(crate) fn nix(root: &Path, program: &str, arguments: &[&str], input: Option<&Path>) -> Vec<u8> {
    let mut command = Command::new(HermeticNix::program(program));
    command.args(arguments).env("NIX_REMOTE", format!("local?root={}", root.display()));
    command.env("NIX_CONF_DIR", root).env("HOME", root);
    if let Some(input) = input {
        command.stdin(fs::File::open(input).unwrap());
    }
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    output.stdout
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap().trim().to_owned()
}
