//! How a store's `rsync` is run.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::target::RsyncTarget;

/// What the builder of a store was told.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) target: RsyncTarget,
    pub(super) rsync: PathBuf,
    pub(super) ssh: PathBuf,
    pub(super) ssh_config: Option<PathBuf>,
    pub(super) identity: Option<PathBuf>,
    pub(super) host_keys: HostKeys,
    pub(super) password: Option<Password>,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) grace: Duration,
    /// In bytes a second.
    pub(super) bandwidth_limit: Option<u64>,
    pub(super) fsync: bool,
    pub(super) staging_directory: Option<PathBuf>,
}

/// Where the host's key is known from.
#[derive(Debug, Clone)]
pub(super) enum HostKeys {
    /// The files that ssh reads by itself.
    OfUser,
    File(PathBuf),
    /// Keys as `type base64`.
    Pinned(Vec<String>),
}

/// A secret for a daemon.
#[derive(Clone)]
pub(super) enum Password {
    Text(String),
    File(PathBuf),
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Password(..)"),
            Self::File(path) => f.debug_tuple("Password").field(path).finish(),
        }
    }
}

/// A time in whole seconds, of which the programs know no parts, and of which zero means never.
pub(super) fn seconds(duration: Duration) -> u64 {
    let more = u64::from(duration.subsec_nanos() > 0);
    (duration.as_secs() + more).max(1)
}
