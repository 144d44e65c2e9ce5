//! Logical lines: what iPXE executes one after the other (`process_script` in iPXE's
//! `src/image/script.c`).

use std::borrow::Cow;

use crate::script::command::Command;
use crate::script::position::Span;

/// How many words a line may have, separators and the words of its comment included: iPXE keeps a
/// pointer to each on its stack. On a BIOS that has some kilobytes, and nothing watches it: builds
/// of 2019 and 1.21 crash or hang somewhere between 500 and 600 words, 2.0 between 3,000 and 5,000
/// (measured in a script that another has chained).
pub const LINE_WORD_LIMIT: usize = 500;

/// A line after its continuations are joined.
///
/// iPXE splits at line feeds, drops one carriage return at the end, joins a line that then ends in
/// `\` with the next, and ends the joined line at its first NUL. Only then does it look for labels,
/// comments and commands: a `\` continues a comment, too.
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
    /// The bytes of the source that belong to the line, its last line feed included. The spans of
    /// all lines of a script follow each other without a gap and are the whole source.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Where a `\` joins it with what follows, as offsets of the `\`.
    pub fn joins(&self) -> &[usize] {
        &self.joins
    }

    /// Whether the script ends before the line does, with a `\`: iPXE executes nothing of it, and
    /// the script fails with "Invalid argument".
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The label at its begin.
    pub fn label(&self) -> Option<&LabelDefinition> {
        self.label.as_ref()
    }

    /// Its commands: one more than there are separators, hence at least one. Those without a word
    /// do nothing and succeed.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// The comment at its end, from the `#` on; a `||` in it is part of it.
    pub fn comment(&self) -> Option<Span> {
        self.comment
    }

    /// What iPXE does not see since a NUL stands before it, from the NUL on.
    pub fn cut(&self) -> Option<Span> {
        self.cut
    }

    /// How many words it has behind its label, separators and the words of its comment included.
    /// See [`LINE_WORD_LIMIT`].
    pub fn word_count(&self) -> usize {
        self.word_count
    }

    /// Whether it does nothing: it has neither a label nor a word.
    pub fn is_blank(&self) -> bool {
        self.label.is_none() && self.commands.iter().all(|command| command.tokens.is_empty())
    }
}

/// `:name` at the begin of a line. What follows on the line is executed like any other command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelDefinition {
    pub(crate) name: Box<[u8]>,
    pub(crate) span: Span,
}

impl LabelDefinition {
    /// The name as it stands there: iPXE expands no settings in it. It may be empty.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The name as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }

    /// Where it stands, with its `:`.
    pub fn span(&self) -> Span {
        self.span
    }
}
