//! A number with its noun, singular or plural.

use std::fmt;

/// A count and what is counted, made by [`counted`]; `Display` writes `1 file` or `2 files`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted<'a, N> {
    number: N,
    noun: &'a str,
}

/// A number with its noun, which gets an `s` unless the number is one. Every message that counts
/// things uses it, so that none says "1 files".
///
/// `noun` is the singular of a regular noun: one that takes `s` in the plural.
///
/// ```
/// use netboot_core::counted;
///
/// assert_eq!(counted(1_u64, "file").to_string(), "1 file");
/// assert_eq!(format!("{} of {}", 1, counted(3_usize, "site")), "1 of 3 sites");
/// assert_eq!(counted(0_usize, "finding").to_string(), "0 findings");
/// ```
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(number: N, noun: &str) -> Counted<'_, N> {
    Counted { number, noun }
}

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Counted<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.number == N::from(1) { "" } else { "s" };
        write!(f, "{} {}{plural}", self.number, self.noun)
    }
}
