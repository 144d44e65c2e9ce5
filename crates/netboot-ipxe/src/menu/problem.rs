//! The problems of a menu, with hints.

use std::fmt;

/// The reason why a menu cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MenuProblem {
    /// There is nothing to choose.
    Empty,
    /// Two items have the same key, which is given here.
    DuplicateKey(char),
    /// Two items are the default choice.
    TwoDefaults,
    /// Menus are nested too deeply.
    TooDeep {
        /// The largest depth that is possible.
        limit: usize,
    },
}

impl MenuProblem {
    /// Tells what to do about the problem.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "add an item",
            Self::DuplicateKey(_) => "give each item its own key, or no key",
            Self::TwoDefaults => "make only one item the default choice",
            Self::TooDeep { .. } => "move the inner menus up",
        }
    }
}

impl fmt::Display for MenuProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it has no items"),
            Self::DuplicateKey(key) => write!(f, "two of its items have the key `{key}`"),
            Self::TwoDefaults => f.write_str("two of its items are the default choice"),
            Self::TooDeep { limit } => write!(f, "it is nested deeper than {limit} levels"),
        }
    }
}
