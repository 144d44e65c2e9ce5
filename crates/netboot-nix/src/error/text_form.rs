//! The forms of texts that callers give.

use std::fmt;

use netboot_core::ValueKind;

/// The form of a text that a caller gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextForm {
    /// A flake reference, such as `git+ssh://git@example.org/infrastructure`.
    FlakeReference,
    /// A path to an attribute, such as `python3Packages.requests`.
    AttributePath,
    /// A line of `authorized_keys`.
    AuthorizedKey,
    /// A value of `netboot-core`, such as a kernel parameter.
    Value(ValueKind),
}

impl fmt::Display for TextForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Value(kind) => return write!(f, "a valid {kind}"),
            Self::FlakeReference => "a flake reference",
            Self::AttributePath => "an attribute path",
            Self::AuthorizedKey => "an authorized SSH key",
        })
    }
}
