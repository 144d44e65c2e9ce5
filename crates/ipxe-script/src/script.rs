//! A model of iPXE's script language: what iPXE reads in a script, and what it then does.
//!
//! iPXE has no quoting and no escaping, its rules are few, and they are not those of a shell. This
//! module has all of them, from lines to expanded arguments, and is held against real iPXE: the
//! package's tests run hostile and generated scripts on Debian's builds of 2019 and of 2.0 and
//! compare what was fetched, which arguments images got, and how the scripts ended.
//!
//! ```
//! use ipxe_script::Script;
//!
//! let script = Script::parse("#!ipxe\n:retry chain --autofree \\\nmenu.ipxe || goto retry # on\n");
//! assert_eq!(script.magic(), Ok(()));
//! let line = &script.lines()[1];
//! assert_eq!(line.label().unwrap().text(), "retry");
//! let words: Vec<_> = line.commands()[0].tokens().iter().map(|word| word.text()).collect();
//! assert_eq!(words, ["chain", "--autofree", "menu.ipxe"]);
//! assert_eq!(script.position(line.commands()[1].span().unwrap().start).to_string(), "3:14");
//! ```

pub(crate) mod command;
pub(crate) mod expansion;
pub(crate) mod line;
pub(crate) mod magic;
pub(crate) mod position;
mod reader;
pub(crate) mod token;

use std::borrow::Cow;

pub use self::command::{Command, Separator};
pub use self::expansion::{Expansion, Part, SettingReference};
pub use self::line::{LINE_WORD_LIMIT, LabelDefinition, LogicalLine};
pub use self::magic::MagicProblem;
pub use self::position::{Position, Span};
pub use self::token::Token;

/// A script as iPXE reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    source: Box<[u8]>,
    lines: Vec<LogicalLine>,
    starts: position::LineStarts,
}

impl Script {
    /// Reads a script. It never fails: every text that has the [magic](Self::magic) is one.
    pub fn parse(source: impl AsRef<[u8]>) -> Self {
        let source = source.as_ref();
        Self {
            source: source.into(),
            lines: reader::lines(source),
            starts: position::LineStarts::of(source),
        }
    }

    /// Whether iPXE takes it for a script.
    ///
    /// # Errors
    /// Why it does not. The lines are there all the same, for whoever reports more.
    pub fn magic(&self) -> Result<(), MagicProblem> {
        magic::check(&self.source)
    }

    /// The text that was read.
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// Its lines, in order. The first is the comment `#!ipxe`, with whatever follows on it.
    pub fn lines(&self) -> &[LogicalLine] {
        &self.lines
    }

    /// The labels, and the index of the line of each, in order; one may be defined twice.
    pub fn labels(&self) -> impl Iterator<Item = (&LabelDefinition, usize)> {
        let lines = self.lines.iter().enumerate();
        lines.filter_map(|(index, line)| line.label.as_ref().map(|label| (label, index)))
    }

    /// The index of the line to which `goto` jumps for this label: the first that defines it. A
    /// line that the script's end leaves [open](LogicalLine::is_open) is none.
    pub fn find_label(&self, name: &[u8]) -> Option<usize> {
        let mut labels = self.labels();
        let found = labels.find(|(label, index)| {
            label.name() == name && self.lines.get(*index).is_some_and(|line| !line.open)
        });
        found.map(|(_, index)| index)
    }

    /// The line and column of an offset in the source.
    pub fn position(&self, offset: usize) -> Position {
        self.starts.position(offset)
    }

    /// What stands at a span of the source, line breaks and all.
    pub fn excerpt(&self, span: Span) -> Cow<'_, str> {
        String::from_utf8_lossy(self.source.get(span.range()).unwrap_or_default())
    }
}
