//! What the errors of all crates have in common: a remedy.

use crate::Error;

/// An error that may know its remedy: the errors of the Netboot crates do, and a backend's error
/// type does to travel in [`Error::Build`].
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
/// A program that uses several of the crates has one type for what goes wrong in any of them, and
/// keeps the remedies, which a `Box<dyn std::error::Error>` would lose:
///
/// ```
/// use netboot_core::{BackendError, FileName, ProfileName};
///
/// fn names() -> Result<(ProfileName, FileName), Box<dyn BackendError>> {
///     Ok((ProfileName::new("worker")?, FileName::new("../bzImage")?))
/// }
/// let error = names().unwrap_err();
/// println!("error: {error}");
/// println!("  what to do: {}", error.hint().unwrap_or_default());
/// ```
pub trait BackendError: std::error::Error + Send + Sync + 'static {
    /// What to do about it, as a sentence for an operator.
    fn hint(&self) -> Option<String>;
}

/// Lets `?` keep an error's remedy, whichever crate it is from.
impl<E: BackendError> From<E> for Box<dyn BackendError> {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }
}
