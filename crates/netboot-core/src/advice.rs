//! The hint and the class of an error.

use crate::backend_error::BackendError;
use crate::error_class::ErrorClass;

/// The hint and the class of an error that another error holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advice {
    /// The remedy, as a sentence for an operator.
    pub hint: Option<String>,
    /// The class, which tells a program what to do about it.
    pub class: ErrorClass,
}

impl Advice {
    /// Returns the advice of an error.
    pub fn of(error: &(impl BackendError + ?Sized)) -> Self {
        Self { hint: error.hint(), class: error.class() }
    }
}
