//! The variables of a run of the tests.

use std::path::Path;
use std::{env, fs};

/// Returns true if this run takes every version, fault and moment, and not a sample of them:
/// `NETBOOT_LONG_TESTS` is set.
pub fn is_long() -> bool {
    env::var_os("NETBOOT_LONG_TESTS").is_some()
}

/// Returns true if this run writes what tests expect into their files: `UPDATE_GOLDEN` is set.
pub fn updates_golden() -> bool {
    env::var_os("UPDATE_GOLDEN").is_some()
}

/// Compares a text with a file, or writes the file.
///
/// # Panics
/// If they differ, or the file cannot be read or written.
#[expect(clippy::panic, reason = "a test whose file cannot be used has failed")]
pub fn assert_golden(path: &Path, text: &str) {
    let place = path.display();
    if updates_golden() {
        let written = fs::write(path, text);
        written.unwrap_or_else(|error| panic!("{place} cannot be written: {error}"));
    }
    let golden = fs::read_to_string(path);
    let golden = golden.unwrap_or_else(|error| panic!("{place} cannot be read: {error}"));
    assert_eq!(text, golden, "{place} differs; UPDATE_GOLDEN=1 writes it anew");
}
