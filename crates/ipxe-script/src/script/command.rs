//! The commands of a line and what stands between them (`command_terminator` in iPXE's
//! `src/core/exec.c`).

use std::fmt;

use crate::script::position::Span;
use crate::script::token::Token;

/// A command with its arguments, before settings are expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub(crate) separator: Option<(Separator, Span)>,
    pub(crate) tokens: Vec<Token>,
}

impl Command {
    /// The separator before it; the first command of a line has none.
    pub fn separator(&self) -> Option<Separator> {
        self.separator.map(|(separator, _)| separator)
    }

    /// Where the separator before it stands.
    pub fn separator_span(&self) -> Option<Span> {
        self.separator.map(|(_, span)| span)
    }

    /// Its name and its arguments.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Its name; iPXE expands settings in it, too.
    pub fn name(&self) -> Option<&Token> {
        self.tokens.first()
    }

    /// Its arguments, options included.
    pub fn arguments(&self) -> &[Token] {
        self.tokens.get(1..).unwrap_or_default()
    }

    /// From its first word to its last, if it has one.
    pub fn span(&self) -> Option<Span> {
        let (first, last) = (self.tokens.first()?, self.tokens.last()?);
        Some(Span::new(first.span.start, last.span.end))
    }
}

/// What decides whether the next command runs: by the command that ran last, so that separators
/// associate to the left and none binds closer than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "iPXE's language has these")]
pub enum Separator {
    /// `&&`: if it succeeded.
    And,
    /// `||`: if it failed.
    Or,
    /// `;`: always.
    Then,
}

impl Separator {
    /// The separator that this word is.
    pub fn of_word(word: &[u8]) -> Option<Self> {
        match word {
            b"&&" => Some(Self::And),
            b"||" => Some(Self::Or),
            b";" => Some(Self::Then),
            _ => None,
        }
    }

    /// Whether the next command runs.
    pub fn continues_after(self, success: bool) -> bool {
        match self {
            Self::And => success,
            Self::Or => !success,
            Self::Then => true,
        }
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::And => "&&",
            Self::Or => "||",
            Self::Then => ";",
        })
    }
}
