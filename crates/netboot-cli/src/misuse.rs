//! Mistakes on the command line that the parser of the command line cannot find.

use std::error::Error;
use std::fmt;

use netboot_core::{BackendError, ErrorClass, Report};

/// A mistake on the command line, or in a file that it names. The program ends with the exit code
/// of mistakes on the command line.
#[derive(Debug)]
pub(crate) struct Misuse(Report);

/// Marks failures as mistakes on the command line. Options become values of the libraries inside of
/// it, so that each value that a library refuses is such a mistake.
pub(crate) trait OfCommandLine<T> {
    /// Marks a failure as a mistake on the command line.
    ///
    /// # Errors
    /// The failure, with its causes and its hint.
    fn of_command_line(self) -> Result<T, Report>;
}

/// Returns the name of the first option that is on the command line.
pub(crate) fn first_given<const N: usize>(
    options: [(&'static str, bool); N],
) -> Option<&'static str> {
    options.into_iter().find(|(_, is_given)| *is_given).map(|(option, _)| option)
}

impl Misuse {
    /// Reports a mistake. `hint` is its remedy, as a sentence for an operator.
    pub(crate) fn report(text: impl Into<String>, hint: impl Into<String>) -> Report {
        Self(Report::message(text, hint)).into()
    }
}

impl<T, E: Into<Report>> OfCommandLine<T> for Result<T, E> {
    fn of_command_line(self) -> Result<T, Report> {
        self.map_err(|error| Misuse(error.into()).into())
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Misuse {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl BackendError for Misuse {
    fn hint(&self) -> Option<String> {
        self.0.hint().map(str::to_owned)
    }

    fn class(&self) -> ErrorClass {
        ErrorClass::Input
    }
}
