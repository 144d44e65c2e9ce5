//! `netboot man`.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::place::assert_documented;

#[test]
fn each_command_has_a_page_that_man_can_show() {
    let directory = TempDir::new().unwrap();
    let pages = directory.path().join("share/man1");
    let netboot = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_netboot")).args(arguments).output().unwrap()
    };
    let output = netboot(&["man", pages.to_str().unwrap(), "--json"]);
    assert!(output.status.success(), "{output:?}");
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_documented("man", &object);
    let files: Vec<&str> =
        object["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert_eq!(files.len(), fs::read_dir(&pages).unwrap().count());
    for command in ["netboot", "netboot-list", "netboot-completions"] {
        let page = pages.join(format!("{command}.1"));
        assert!(files.contains(&page.to_str().unwrap()), "{files:?}");
        let text = fs::read_to_string(&page).unwrap();
        assert!(text.contains(".SH NAME") && text.contains(".SH OPTIONS"), "{text}");
    }
    let program = fs::read_to_string(pages.join("netboot.1")).unwrap();
    assert!(program.contains("Exit codes:"), "{program}");

    // A file where a directory is needed.
    let output = netboot(&["man", pages.join("netboot.1").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: cannot create"), "{said}");
}
