//! Logical lines, which iPXE executes one after the other (`process_script` in iPXE's
//! `src/image/script.c`).

use std::borrow::Cow;

use crate::script::command::Command;
use crate::script::position::Span;

/// The largest number of words of a line, including separators and the words of its comment.
///
/// iPXE keeps a pointer to each word on its stack. On a BIOS, the stack has a few kilobytes and is
/// not checked. Builds of 2019 and 1.21 crash or hang between 500 and 600 words, and 2.0 between
/// 3,000 and 5,000 (measured in a script that another script had chained).
pub(crate) const LINE_WORD_LIMIT: usize = 500;

/// A line with its continuations joined.
///
/// iPXE splits the script at line feeds and drops one carriage return at the end of each line. It
/// joins a line that then ends with `\` to the next, and ends the joined line at its first NUL
/// byte. Only then does it look for labels, comments and commands, so a `\` also continues a
/// comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogicalLine {
    pub(crate) span: Span,
    pub(crate) joins: Vec<usize>,
    pub(crate) open: bool,
    pub(crate) label: Option<LabelDefinition>,
    pub(crate) commands: Vec<Command>,
    pub(crate) comment: Option<Span>,
    pub(crate) cut: Option<Span>,
    pub(crate) word_count: usize,
}

impl LogicalLine {
    /// The bytes of the source that belong to the line, including its last line feed. The spans of
    /// all lines cover the whole source without a gap.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The offsets of each `\` that joins the line with the next one.
    pub fn joins(&self) -> &[usize] {
        &self.joins
    }

    /// Returns true if the script ends at a `\` that continues the line. iPXE executes no part of
    /// the line, and the script fails with "Invalid argument".
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The label at the start of the line.
    pub fn label(&self) -> Option<&LabelDefinition> {
        self.label.as_ref()
    }

    /// The commands: one more than there are separators, so at least one. A command without words
    /// does nothing and succeeds.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// The comment at the end of the line, from the `#` on. A `||` in it belongs to the comment.
    pub fn comment(&self) -> Option<Span> {
        self.comment
    }

    /// The text that iPXE ignores because a NUL byte ends the line, from the NUL byte on.
    pub fn cut(&self) -> Option<Span> {
        self.cut
    }

    /// The number of words after the label, including separators and the words of the comment. The
    /// linter refuses more than 500, because iPXE crashes or hangs on a BIOS.
    pub fn word_count(&self) -> usize {
        self.word_count
    }
}

/// A label `:name` at the start of a line. iPXE executes the rest of the line like any other line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelDefinition {
    pub(crate) name: Box<[u8]>,
    pub(crate) span: Span,
}

impl LabelDefinition {
    /// The name. iPXE does not expand settings in it. It may be empty.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The name as text. Bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }

    /// The span of the label, including its `:`.
    pub fn span(&self) -> Span {
        self.span
    }
}
