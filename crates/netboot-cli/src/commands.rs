//! The commands, one module each. Each has its `Arguments`, whose `run` gives the answer.

pub(crate) mod activate;
pub(crate) mod completions;
pub(crate) mod list;
pub(crate) mod rollback;
