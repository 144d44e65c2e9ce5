//! The forms of texts in overrides.

use std::fmt;

/// The form of a text in [`Overrides`](crate::Overrides).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverrideForm {
    /// A path to an attribute, such as `python3Packages.requests`.
    AttributePath,
    /// A line of `authorized_keys`.
    AuthorizedKey,
}

impl fmt::Display for OverrideForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AttributePath => "an attribute path",
            Self::AuthorizedKey => "an authorized SSH key",
        })
    }
}
