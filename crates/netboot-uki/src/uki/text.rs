//! The texts in UKIs.

use crate::error::Error;

/// The greatest size of a section of text in bytes.
pub(crate) const TEXT_LIMIT: u32 = 64 * 1024;

/// Checks the content of a section of text, which may have lines if `has_lines`.
pub(crate) fn check(section: &'static str, text: &str, has_lines: bool) -> Result<(), Error> {
    let is_fine = |character: char| !character.is_control() || (has_lines && character == '\n');
    let problem = if text.trim().is_empty() {
        "it is empty"
    } else if text.len() > TEXT_LIMIT as usize {
        "it has more than 64 KiB"
    } else if !text.chars().all(is_fine) {
        "it has a control character"
    } else {
        return Ok(());
    };
    Err(Error::Text { section, problem })
}
