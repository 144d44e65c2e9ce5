//! Places in the source of a script.

use std::fmt;
use std::ops::Range;

/// A range of bytes in the source of a script, without its end.
///
/// If a `\` continues a line inside of it, the span includes the line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a span is a start and an end")]
pub struct Span {
    /// The offset of the first byte.
    pub start: usize,
    /// The offset after the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` to `end`, without the byte at `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The number of bytes.
    pub const fn len(self) -> usize {
        self.end - self.start
    }

    /// Returns true if the span has no bytes.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The span as an index for slices.
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// A place in the source of a script, as editors show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a position is a line and a column")]
pub struct Position {
    /// The line, counted from 1. As in iPXE, only a line feed ends a line.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The offsets at which the lines of a source start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineStarts(Vec<usize>);

impl LineStarts {
    pub(crate) fn of(source: &[u8]) -> Self {
        let feeds = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        Self(std::iter::once(0).chain(feeds.map(|(offset, _)| offset + 1)).collect())
    }

    pub(crate) fn position(&self, offset: usize) -> Position {
        // The first line starts at 0, so there is always a line before the offset.
        let line = self.0.partition_point(|start| *start <= offset);
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or(0);
        Position { line, column: 1 + offset - start }
    }
}
