//! The mark in the place of text that was cut off.

use std::fmt;

/// The mark in the place of bytes that were cut off.
///
/// ```
/// use foreign_text::CutMark;
///
/// assert_eq!(CutMark(300).to_string(), " … (300 more bytes)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a mark only has the number of bytes")]
pub struct CutMark(
    /// The number of bytes.
    pub u64,
);

impl CutMark {
    /// The length of the longest mark, in bytes.
    pub const LONGEST: usize = " … ( more bytes)".len() + 20;

    /// Splits the mark off the end of a text that was cut already.
    pub(crate) fn split(text: &str) -> (&str, Self) {
        let split = || {
            let (text, mark) = text.rsplit_once(" … (")?;
            let (number, unit) = mark.split_once(' ')?;
            let is_mark = ["more bytes)", "more byte)"].contains(&unit);
            is_mark.then_some((text, Self(number.parse().ok()?)))
        };
        split().unwrap_or((text, Self(0)))
    }
}

impl fmt::Display for CutMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = if self.0 == 1 { "byte" } else { "bytes" };
        write!(f, " … ({} more {bytes})", self.0)
    }
}
