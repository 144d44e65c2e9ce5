//! The commands of iPXE: their options and arguments, and how iPXE reads them.

pub(crate) mod arguments;
pub(crate) mod syntax;
mod table;

pub use self::arguments::{ArgumentProblem, Arguments};
pub use self::syntax::{ARGUMENT_LIMIT, CommandSyntax, OptionSyntax, OptionValue, ValueForm};
