//! The words of a line (`split_command` in iPXE's `src/core/exec.c`).

use std::borrow::Cow;

use crate::script::expansion;
use crate::script::expansion::{Expansion, Part};
use crate::script::position::Span;

/// Returns true if iPXE splits words at this byte: space, tab, line feed, vertical tab, form feed
/// and carriage return (`isspace` in iPXE's `src/core/ctype.c`).
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c' | b'\r')
}

/// A word of a command, before iPXE expands settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) span: Span,
}

impl Token {
    /// The word, without line breaks that follow a `\`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The word as text. Bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The span of the word in the source.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The literal text and the outermost expansions of the word, in order and without gaps.
    ///
    /// iPXE looks at the result of an expansion again, so the value of one setting may complete the
    /// `${` of another. Only [`Settings::expand`] takes that into account.
    ///
    /// [`Settings::expand`]: crate::settings::Settings::expand
    pub fn parts(&self) -> Vec<Part<'_>> {
        expansion::parts(&self.bytes)
    }

    /// All expansions of the word, including nested ones, in the order in which iPXE expands them.
    pub fn expansions(&self) -> Vec<Expansion<'_>> {
        expansion::all(&self.bytes)
    }

    /// Returns true if the word does not depend on settings.
    pub fn is_literal(&self) -> bool {
        let marker = self.bytes.windows(2).position(|pair| pair == b"${");
        !marker.is_some_and(|start| self.bytes.iter().skip(start).any(|byte| *byte == b'}'))
    }
}

/// Returns the ranges of the words of a line before a word that starts with `#`, and the start of
/// that word.
pub(crate) fn split(text: &[u8]) -> (Vec<(usize, usize)>, Option<usize>) {
    let mut words = Vec::new();
    let mut rest = 0;
    while let Some(start) = find(text, rest, |byte| !is_space(byte)) {
        if text.get(start) == Some(&b'#') {
            return (words, Some(start));
        }
        let end = find(text, start, is_space).unwrap_or(text.len());
        words.push((start, end));
        rest = end;
    }
    (words, None)
}

fn find(text: &[u8], from: usize, is: impl Fn(u8) -> bool) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.iter().position(|byte| is(*byte)).map(|offset| from + offset)
}
