//! Assembling UKIs and their addons.

pub(crate) mod addon;
pub(crate) mod builder;
pub(crate) mod kernel;
pub(crate) mod kernel_reader;
pub(crate) mod layout;
pub(crate) mod part;
pub(crate) mod text;
pub(crate) mod writing;
