//! The templates that scripts are made of.

pub(crate) mod name;
pub(crate) mod set;
pub(crate) mod sources;
