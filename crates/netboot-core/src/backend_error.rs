//! The trait of errors that can give a hint.

use foreign_text::ForeignText;

/// An error that may give a hint.
///
/// The errors of the Netboot crates implement it. A backend implements it for its own error type,
/// so that [`Error::Build`](crate::Error::Build) can hold that error.
///
/// ```
/// use std::fmt;
/// use netboot_core::{BackendError, Error};
///
/// #[derive(Debug)]
/// struct NoBoard;
///
/// impl fmt::Display for NoBoard {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("the board is not known")
///     }
/// }
///
/// impl std::error::Error for NoBoard {}
///
/// impl BackendError for NoBoard {
///     fn hint(&self) -> Option<String> {
///         Some("name one of `buildroot --list-boards`".to_owned())
///     }
/// }
///
/// let error = Error::build("buildroot", &"worker".parse()?, NoBoard);
/// assert_eq!(error.hint(), NoBoard.hint());
/// # Ok::<(), Error>(())
/// ```
///
/// A program that uses several of the crates can hold all their errors in one type. Unlike a
/// `Box<dyn std::error::Error>`, a `Box<dyn BackendError>` keeps the hints:
///
/// ```
/// use netboot_core::{BackendError, FileName, ProfileName};
///
/// fn names() -> Result<(ProfileName, FileName), Box<dyn BackendError>> {
///     Ok((ProfileName::new("worker")?, FileName::new("../bzImage")?))
/// }
/// let error = names().unwrap_err();
/// println!("{}", error.in_full());
/// ```
pub trait BackendError: std::error::Error + Send + Sync + 'static {
    /// Returns a remedy, as a sentence for an operator.
    fn hint(&self) -> Option<String>;
}

impl dyn BackendError {
    /// Returns the error, its causes and its hint, each on its own line. `Display` gives only the
    /// error.
    ///
    /// Errors quote programs, servers and files, so each text is made safe to show as
    /// [`ForeignText`] does: it is bounded, has no control characters, and its further lines have a
    /// margin.
    ///
    /// ```text
    /// error: nix could not build profile `worker`
    ///   because: the program `nix` was not found in "/usr/bin:/bin"
    ///   what to do: install Nix …
    /// ```
    pub fn in_full(&self) -> String {
        let printable = |text: String| ForeignText::new(text);
        let mut lines = vec![format!("error: {}", printable(self.to_string()))];
        let mut cause = self.source();
        while let Some(error) = cause {
            lines.push(format!("  because: {}", printable(error.to_string())));
            cause = error.source();
        }
        lines.extend(self.hint().map(|hint| format!("  what to do: {}", printable(hint))));
        lines.join("\n")
    }
}

/// Lets `?` keep the hint of an error from any of the crates.
impl<E: BackendError> From<E> for Box<dyn BackendError> {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}
