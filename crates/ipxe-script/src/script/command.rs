//! The commands of a line and the separators between them (`command_terminator` in iPXE's
//! `src/core/exec.c`).

use std::fmt;

use crate::script::position::Span;
use crate::script::token::Token;

/// A command with its arguments, before iPXE expands settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub(crate) separator: Option<(Separator, Span)>,
    pub(crate) tokens: Vec<Token>,
}

impl Command {
    /// The separator before the command. The first command of a line has none.
    pub fn separator(&self) -> Option<Separator> {
        self.separator.map(|(separator, _)| separator)
    }

    /// The span of the separator before the command.
    pub fn separator_span(&self) -> Option<Span> {
        self.separator.map(|(_, span)| span)
    }

    /// The name and the arguments.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The name. iPXE expands settings in it too.
    pub fn name(&self) -> Option<&Token> {
        self.tokens.first()
    }

    /// The arguments, including options.
    pub fn arguments(&self) -> &[Token] {
        self.tokens.get(1..).unwrap_or_default()
    }

    /// The span from the first word to the last. `None` if there is no word.
    pub fn span(&self) -> Option<Span> {
        let (first, last) = (self.tokens.first()?, self.tokens.last()?);
        Some(Span::new(first.span.start, last.span.end))
    }
}

/// Decides whether the next command runs, by the result of the command that ran last. All
/// separators have the same precedence and associate to the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "iPXE's language has these three")]
pub enum Separator {
    /// `&&`: runs it after a success.
    And,
    /// `||`: runs it after a failure.
    Or,
    /// `;`: always runs it.
    Then,
}

impl Separator {
    /// Reads a word as a separator.
    pub fn of_word(word: &[u8]) -> Option<Self> {
        match word {
            b"&&" => Some(Self::And),
            b"||" => Some(Self::Or),
            b";" => Some(Self::Then),
            _ => None,
        }
    }

    /// Returns true if the next command runs after a command that succeeded or failed.
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
