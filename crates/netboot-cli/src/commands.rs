//! The commands, one module each. Each has its `Arguments`, whose `run` gives the answer.

pub(crate) mod activate;
pub(crate) mod boot;
pub(crate) mod build;
pub(crate) mod completions;
pub(crate) mod countersign;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod fleet;
pub(crate) mod lint;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod prune;
pub(crate) mod publish;
pub(crate) mod refresh;
pub(crate) mod repair;
pub(crate) mod rollback;
pub(crate) mod secure_boot;
pub(crate) mod serve;
pub(crate) mod size;
pub(crate) mod verify;
