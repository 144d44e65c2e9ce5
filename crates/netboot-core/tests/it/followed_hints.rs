//! Each hint works when it is followed: a test meets the failure, does what the hint says, and
//! then it works.

mod files;
mod releases;
mod secrets;
mod texts;

use netboot_core::BackendError;

/// Checks that the remedy of an error contains these words.
pub(crate) fn assert_hint(error: &impl BackendError, words: &str) {
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains(words), "{error}\n  what to do: {hint}");
}
