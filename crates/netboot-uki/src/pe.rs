//! The format of EFI programs.

pub(crate) mod headers;
pub(crate) mod problem;
pub(crate) mod section;
pub(crate) mod sums;
