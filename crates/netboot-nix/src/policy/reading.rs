use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// What `policy.nix` reads of a configuration.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Reading {
    pub(super) authorized_keys: BTreeMap<String, Keys>,
    pub(super) root_passwords: BTreeMap<String, Password>,
    pub(super) openssh: Option<bool>,
    pub(super) services: BTreeMap<String, Option<bool>>,
    pub(super) packages: Option<Vec<String>>,
    pub(super) etc: Vec<String>,
}

/// A user's keys.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Keys {
    pub(super) keys: Vec<String>,
    /// Files with keys, a line each.
    pub(super) files: Vec<PathBuf>,
}

/// What an option for a password is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Password {
    Unset,
    /// To a hash that no password has.
    Locked,
    Empty,
    Set,
}
