//! The programs to compare with, which may not be installed.

use std::process::Command;

/// Returns true if a program answers this request for its version. Otherwise prints how to get it.
pub(crate) fn is_there(program: &str, version: &str, remedy: &str) -> bool {
    let output = Command::new(program).arg(version).output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        println!("LEFT OUT: {program} is not on the search path ({remedy})");
    }
    is_there
}
