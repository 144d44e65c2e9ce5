//! Setting up a store that `rsync` writes to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::{HostKeys, Password, Settings};
use super::store::RsyncStore;
use super::target::RsyncTarget;
use crate::error::Error;

/// How long nothing may come before a run is given up.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a run that is to end may clean up.
const GRACE: Duration = Duration::from_secs(5);

/// Builds an [`RsyncStore`].
///
/// ```
/// use std::time::Duration;
/// use netboot_publish::{RsyncStore, RsyncTarget};
///
/// let target = RsyncTarget::ssh("publisher", "boot.example.org", 22, "/srv/pxe/nixos")?;
/// let store = RsyncStore::builder(target)
///     .identity_file("/etc/netboot/publisher_ed25519")
///     .host_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJlPRbHUTjJaRkBJX9Hd2oq6wyt4Wm8oQY7QvW8Y3oBE")
///     .timeout(Duration::from_secs(60))
///     .build()?;
/// assert_eq!(store.to_string(), "publisher@boot.example.org:/srv/pxe/nixos");
/// # Ok::<(), netboot_publish::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RsyncStoreBuilder {
    settings: Settings,
    write_only: Option<PathBuf>,
}

impl RsyncStore {
    /// A store at `target`, with the settings that a [builder](Self::builder) begins with.
    ///
    /// # Errors
    /// [`Error::InvalidRsyncSetting`].
    pub fn open(target: RsyncTarget) -> Result<Self, Error> {
        Self::builder(target).build()
    }

    /// A builder of a store at `target`.
    pub fn builder(target: RsyncTarget) -> RsyncStoreBuilder {
        RsyncStoreBuilder::new(target)
    }
}

impl RsyncStoreBuilder {
    fn new(target: RsyncTarget) -> Self {
        let settings = Settings {
            target,
            rsync: "rsync".into(),
            ssh: "ssh".into(),
            ssh_config: None,
            identity: None,
            host_keys: HostKeys::OfUser,
            password: None,
            timeout: TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            grace: GRACE,
            bandwidth_limit: None,
            fsync: true,
            staging_directory: None,
        };
        Self { settings, write_only: None }
    }

    /// Sets the `rsync` of this machine. At first it is the one of the search path.
    pub fn rsync_program(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.rsync = path.into();
        self
    }

    /// Sets the ssh of this machine. At first it is the one of the search path.
    pub fn ssh_program(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.ssh = path.into();
        self
    }

    /// Lets ssh read this configuration, for a host's alias or a jump host. What the store sets
    /// itself goes before it. At first ssh reads none, not even the user's.
    pub fn ssh_config(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.ssh_config = Some(path.into());
        self
    }

    /// Sets the private key that ssh offers, and lets it offer no other. It must need no
    /// passphrase, or lie in an agent: nobody is asked. At first ssh offers what the agent and
    /// the user's default files have.
    pub fn identity_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.identity = Some(path.into());
        self
    }

    /// Sets the file that hosts' keys are known from, and lets ssh read no other. At first it
    /// reads those of the user and of this machine.
    pub fn known_hosts_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.host_keys = HostKeys::File(path.into());
        self
    }

    /// Pins a key of the host, as a line of its `ssh_host_*_key.pub`: type and key in base64; a
    /// comment behind them is ignored. Called again, it adds another key. No other is accepted.
    pub fn host_key(mut self, key: &str) -> Self {
        let mut keys = match std::mem::replace(&mut self.settings.host_keys, HostKeys::OfUser) {
            HostKeys::Pinned(keys) => keys,
            HostKeys::OfUser | HostKeys::File(_) => Vec::new(),
        };
        keys.push(key.to_owned());
        self.settings.host_keys = HostKeys::Pinned(keys);
        self
    }

    /// Sets the password for a daemon. It is shown in no `Debug`, argument or error, and lies in
    /// a file that only this user can read while `rsync` runs.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.settings.password = Some(Password::Text(password.into()));
        self
    }

    /// Sets the file with the password for a daemon. Only its owner may be able to read it.
    pub fn password_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.password = Some(Password::File(path.into()));
        self
    }

    /// Sets how long nothing may come from the far side before a run is given up, in whole
    /// seconds. At first two minutes: a far side that syncs or hashes a large file is silent.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Sets how long connecting may take, in whole seconds. At first ten.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Sets how long `rsync` may take to end when the work is cancelled, before it is killed. At
    /// first five seconds.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Sets how much may be sent in a second, in bytes, on average; at least 1024.
    pub fn bandwidth_limit(mut self, bytes: u64) -> Self {
        self.settings.bandwidth_limit = Some(bytes);
        self
    }

    /// Sets whether the far side writes each file to its disk before it puts it into place. Set
    /// at first. It needs rsync 3.2.4 on both sides; where one does not know it or refuses it, it
    /// is left out with a warning.
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.settings.fsync = fsync;
        self
    }

    /// Sets the directory on this machine where files lie on their way: each is copied there
    /// before it is sent, unless it is in a Nix store, so that what is sent cannot change
    /// meanwhile; and what is read lies there. At first it is the system's for temporary files.
    pub fn staging_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.staging_directory = Some(path.into());
        self
    }

    /// Sets that the account may only write, as with `rrsync -wo`; see
    /// [Accounts that may only write](RsyncStore#accounts-that-may-only-write). What was sent is
    /// recorded in `record`, a directory of this machine, which is made if it is not there. Every
    /// publisher to the target needs the same record.
    pub fn write_only(mut self, record: impl Into<PathBuf>) -> Self {
        self.write_only = Some(record.into());
        self
    }

    /// The store. Nothing is connected or looked at before it is used.
    ///
    /// # Errors
    /// [`Error::InvalidRsyncSetting`].
    pub fn build(self) -> Result<RsyncStore, Error> {
        let mut settings = self.settings;
        let target = &settings.target;
        let refuse = |setting, problem| Err(Error::InvalidRsyncSetting { setting, problem });
        if let HostKeys::Pinned(keys) = &mut settings.host_keys {
            for key in keys {
                let Some(checked) = check_host_key(key) else {
                    return refuse(
                        "host_key",
                        "expected `type base64`, such as `ssh-ed25519 AAAA…`",
                    );
                };
                *key = checked;
            }
        }
        if let Some(Password::Text(text)) = &settings.password
            && (text.is_empty() || text.contains(['\n', '\r', '\0']))
        {
            return refuse("password", "it is empty or has more than one line");
        }
        if settings.password.is_some() && target.is_ssh() {
            return refuse("password", "ssh takes no password: use an identity file");
        }
        if settings.password.is_some() && target.user().is_none() {
            return refuse("password", "the target names no user for the password");
        }
        if settings.bandwidth_limit.is_some_and(|limit| limit < 1024) {
            return refuse("bandwidth_limit", "it is less than 1024 bytes per second");
        }
        let seconds = |duration: Duration| (1..=i32::MAX as u64).contains(&duration.as_secs());
        if !seconds(settings.timeout) || !seconds(settings.connect_timeout) {
            return refuse("timeout", "it is less than 1 s or too long");
        }
        let paths = [&settings.ssh_config, &settings.identity, &self.write_only];
        if paths.into_iter().flatten().any(|path| path.as_os_str().is_empty()) {
            return refuse("path", "it is empty");
        }
        if is_ambiguous(&settings.rsync) || is_ambiguous(&settings.ssh) {
            return refuse(
                "program",
                "give the name alone, to search for it, or the absolute path",
            );
        }
        Ok(RsyncStore::new(settings, self.write_only))
    }
}

/// Whether a program would be looked for in the directory that it happens to run in.
fn is_ambiguous(program: &Path) -> bool {
    program.as_os_str().is_empty() || (program.components().count() > 1 && !program.is_absolute())
}

/// `type base64`, without a comment.
fn check_host_key(key: &str) -> Option<String> {
    let key = key.strip_suffix('\n').unwrap_or(key);
    if key.contains(['\n', '\r']) {
        return None;
    }
    let mut words = key.split_ascii_whitespace();
    let (kind, base64) = (words.next()?, words.next()?);
    let of = |text: &str, others: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    let is_key = kind.starts_with(|c: char| c.is_ascii_lowercase())
        && of(kind, "-.@")
        && base64.starts_with("AAAA")
        && of(base64, "+/=");
    is_key.then(|| format!("{kind} {base64}"))
}
