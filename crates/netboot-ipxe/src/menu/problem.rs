//! Why a menu cannot be shown, and what to do about it.

use std::fmt;

/// Why a menu cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MenuProblem {
    /// Nothing can be chosen.
    Empty,
    /// One key, this one, is to choose two items.
    DuplicateKey(char),
    /// Two items are to be chosen when nobody chooses.
    TwoDefaults,
    /// Menus lie too deep in each other.
    TooDeep {
        /// How deep they may lie.
        limit: usize,
    },
}

impl MenuProblem {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "add an item that can be chosen",
            Self::DuplicateKey(_) => "give each item of a menu a key of its own, or none",
            Self::TwoDefaults => "let one item be the default choice",
            Self::TooDeep { .. } => "move the inner menus further up",
        }
    }
}

impl fmt::Display for MenuProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it has no item"),
            Self::DuplicateKey(key) => write!(f, "two of its items have the key `{key}`"),
            Self::TwoDefaults => f.write_str("two of its items are the default choice"),
            Self::TooDeep { limit } => write!(f, "it lies deeper than {limit} menus"),
        }
    }
}
