//! Where something stands in a script's source.

use std::fmt;
use std::ops::Range;

/// A range of bytes of a script's source, the end not included.
///
/// A thing that a `\` at a line's end runs through has the line break inside its span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a span is a begin and an end")]
pub struct Span {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to `end`, which is not part of it.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// How many bytes it covers.
    pub const fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether it covers nothing.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The span as an index for slices.
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A place in a script's source as editors show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a position is a line and a column")]
pub struct Position {
    /// The line, counted from 1. Only a line feed ends a line, as in iPXE.
    pub line: usize,
    /// The column, counted from 1, in bytes.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Where the lines of a source begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineStarts(Vec<usize>);

impl LineStarts {
    pub(crate) fn of(source: &[u8]) -> Self {
        let feeds = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        Self(std::iter::once(0).chain(feeds.map(|(offset, _)| offset + 1)).collect())
    }

    pub(crate) fn position(&self, offset: usize) -> Position {
        // The first line begins at 0, so there is always one before.
        let line = self.0.partition_point(|start| *start <= offset);
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or(0);
        Position { line, column: 1 + offset - start }
    }
}
