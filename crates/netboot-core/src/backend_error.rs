//! The trait of errors that say what to do about them.

mod standard;

use crate::error_class::ErrorClass;

/// An error that tells a program what to do about it, and may give a hint to an operator.
///
/// The errors of the Netboot crates implement it. A backend implements it for its own error type,
/// so that [`Error::Build`](crate::Error::Build) can hold that error. The errors of the standard
/// library implement it without a hint. A program can therefore return all of them as a
/// [`Report`](crate::Report), which keeps the hints.
///
/// ```
/// use std::fmt;
/// use netboot_core::{BackendError, Error, ErrorClass};
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
///
///     fn class(&self) -> ErrorClass {
///         ErrorClass::Input
///     }
/// }
///
/// let error = Error::build("buildroot", &"worker".parse()?, NoBoard);
/// assert_eq!(error.hint(), NoBoard.hint());
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known to have a hint",
    note = "`Report::foreign` reports an error of another crate; an error of your own can implement \
            `BackendError`"
)]
pub trait BackendError: std::error::Error + Send + Sync + 'static {
    /// Returns a remedy, as a sentence for an operator.
    fn hint(&self) -> Option<String>;

    /// Tells a program what to do about the error. An error without a known cause is
    /// [`ErrorClass::Failed`].
    fn class(&self) -> ErrorClass;
}
