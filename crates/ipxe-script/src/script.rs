//! A script, read as iPXE reads it.
//!
//! iPXE has few rules, and they are not the rules of a shell: there is no quoting and no escaping.
//! The tests of this crate run hostile and generated scripts on Debian's builds of 2019, 1.21 and
//! 2.0. They compare the downloads, the arguments of images and the end of each script with what
//! these rules predict.
//!
//! ```
//! use ipxe_script::Script;
//!
//! let script = Script::parse("#!ipxe\n:retry chain --autofree \\\nmenu.ipxe || goto retry\n");
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
pub use self::line::{LabelDefinition, LogicalLine};
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
    /// Reads a script. Every text can be read; [`magic`](Self::magic) tells if iPXE takes it for a
    /// script.
    pub fn parse(source: impl AsRef<[u8]>) -> Self {
        let source = source.as_ref();
        Self {
            source: source.into(),
            lines: reader::lines(source),
            starts: position::LineStarts::of(source),
        }
    }

    /// Checks that iPXE takes the text for a script.
    ///
    /// # Errors
    /// [`MagicProblem`] if it does not. The lines can still be used.
    pub fn magic(&self) -> Result<(), MagicProblem> {
        magic::check(&self.source)
    }

    /// The text of the script.
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    /// The lines in order. The first is the comment `#!ipxe`, with everything else on that line.
    pub fn lines(&self) -> &[LogicalLine] {
        &self.lines
    }

    /// The labels in order, each with the index of its line. A label may be defined twice: `goto`
    /// then jumps to the first. It does not find a label whose line the end of the script leaves
    /// [open](LogicalLine::is_open).
    pub fn labels(&self) -> impl Iterator<Item = (&LabelDefinition, usize)> {
        let lines = self.lines.iter().enumerate();
        lines.filter_map(|(index, line)| line.label.as_ref().map(|label| (label, index)))
    }

    /// The line and column of an offset in the source.
    pub fn position(&self, offset: usize) -> Position {
        self.starts.position(offset)
    }

    /// The text at a span of the source, including line breaks.
    pub fn excerpt(&self, span: Span) -> Cow<'_, str> {
        String::from_utf8_lossy(self.source.get(span.range()).unwrap_or_default())
    }
}
