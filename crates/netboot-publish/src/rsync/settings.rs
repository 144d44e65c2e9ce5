//! The settings of an rsync store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::target::RsyncTarget;

/// The variable that names the socket of the agent that has the keys for ssh.
pub(super) const SSH_AGENT: &str = "SSH_AUTH_SOCK";

/// The settings that the builder collects.
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
    /// In bytes per second.
    pub(super) bandwidth_limit: Option<u64>,
    pub(super) fsync: bool,
    pub(super) staging_directory: Option<PathBuf>,
}

/// The source of known host keys.
#[derive(Debug, Clone)]
pub(super) enum HostKeys {
    /// The default files of ssh.
    OfUser,
    File(PathBuf),
    /// Keys as `type base64`.
    Pinned(Vec<String>),
}

/// The password for a daemon.
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

/// A time in whole seconds, rounded up, and at least 1: for these programs, zero means no limit.
pub(super) fn seconds(duration: Duration) -> u64 {
    let more = u64::from(duration.subsec_nanos() > 0);
    (duration.as_secs() + more).max(1)
}
