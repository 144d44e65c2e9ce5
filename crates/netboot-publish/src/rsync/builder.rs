//! Setting up a store that `rsync` writes to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::{HostKeys, Password, Settings};
use super::store::RsyncStore;
use super::target::RsyncTarget;
use crate::error::Error;

/// The time without data from the far side after which a run fails.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time that a stopped run has to clean up.
const GRACE: Duration = Duration::from_secs(5);

/// Builds an [`RsyncStore`].
///
/// ```
/// use std::time::Duration;
/// use netboot_publish::{RsyncStore, RsyncTarget};
///
/// let target = RsyncTarget::ssh("publisher", "boot.example.org", 22, "/srv/pxe/nixos")?;
/// let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJlPRbHUTjJaRkBJX9Hd2oq6wyt4Wm8oQY7QvW8Y3oBE";
/// let store = RsyncStore::builder(target)
///     .identity_file("/etc/netboot/publisher_ed25519")
///     .host_key(key)
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
    /// A store at `target`, with the default settings of [`builder`](Self::builder).
    ///
    /// # Errors
    /// [`Error::InvalidSetting`].
    pub fn open(target: impl TryInto<RsyncTarget, Error: Into<Error>>) -> Result<Self, Error> {
        Self::builder(target.try_into().map_err(Into::into)?).build()
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

    /// Sets the `rsync` program of this machine. Default: `rsync` from the search path.
    pub fn rsync_program(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.rsync = path.into();
        self
    }

    /// Sets the ssh program of this machine. Default: `ssh` from the search path.
    pub fn ssh_program(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.ssh = path.into();
        self
    }

    /// Sets a configuration file for ssh, for example for a host alias or a jump host. The store's
    /// own options take precedence. Default: ssh reads no configuration, not even the user's.
    pub fn ssh_config(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.ssh_config = Some(path.into());
        self
    }

    /// Sets the private key that ssh offers. ssh then offers no other key. The key must have no
    /// passphrase or be in an agent, because ssh never asks for one. Default: the keys of the agent
    /// and the user's default files.
    pub fn identity_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.identity = Some(path.into());
        self
    }

    /// Sets the file with known host keys. ssh then reads no other. Default: the files of the user
    /// and of this machine.
    pub fn known_hosts_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.host_keys = HostKeys::File(path.into());
        self
    }

    /// Pins a key of the host, given as a line of its `ssh_host_*_key.pub`: the type and the key in
    /// base64. A comment after them is ignored. Each call adds a key. ssh accepts no other key.
    pub fn host_key(mut self, key: &str) -> Self {
        let mut keys = match std::mem::replace(&mut self.settings.host_keys, HostKeys::OfUser) {
            HostKeys::Pinned(keys) => keys,
            HostKeys::OfUser | HostKeys::File(_) => Vec::new(),
        };
        keys.push(key.to_owned());
        self.settings.host_keys = HostKeys::Pinned(keys);
        self
    }

    /// Sets the password for a daemon. It never appears in `Debug` output, arguments or errors.
    /// While `rsync` runs, the password is in a file that only this user can read.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.settings.password = Some(Password::Text(password.into()));
        self
    }

    /// Sets the file with the password for a daemon. Only its owner may have read access.
    pub fn password_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.password = Some(Password::File(path.into()));
        self
    }

    /// Sets the time without data from the far side after which a run fails, rounded up to whole
    /// seconds. Default: 2 minutes, because a far side that syncs or hashes a large file sends
    /// nothing meanwhile.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Sets the maximum time for connecting, rounded up to whole seconds. Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Sets the time that `rsync` has to end after a cancellation. After that, the store kills it.
    /// Default: 5 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Sets the maximum average rate for sending, in bytes per second; at least 1024. Default: no
    /// limit.
    pub fn bandwidth_limit(mut self, bytes: u64) -> Self {
        self.settings.bandwidth_limit = Some(bytes);
        self
    }

    /// Sets whether the far side syncs each file to its disk before it puts the file into place.
    /// Default: true. This needs rsync 3.2.4 on both sides. If one side does not know or refuses
    /// the option, the store warns and continues without it.
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.settings.fsync = fsync;
        self
    }

    /// Sets the directory on this machine for files in transit. The store copies each file there
    /// before it sends it, so that the file cannot change meanwhile. Files that never change, such
    /// as those in a Nix store, are not copied
    /// ([`Artifact::is_immutable`](netboot_core::Artifact::is_immutable)). Files that the store
    /// reads from the target are also put there. Default: the system's directory for temporary
    /// files.
    pub fn staging_directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.staging_directory = Some(path.into());
        self
    }

    /// Declares that the account may only write, as with `rrsync -wo`; see
    /// [Accounts that may only write](RsyncStore#accounts-that-may-only-write). The store records
    /// everything that it sends in `record`, a directory of this machine, and creates the directory
    /// if it is missing. All publishers to the target need the same record.
    pub fn write_only(mut self, record: impl Into<PathBuf>) -> Self {
        self.write_only = Some(record.into());
        self
    }

    /// Builds the store. It does not connect or read anything before it is used.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`].
    pub fn build(self) -> Result<RsyncStore, Error> {
        let mut settings = self.settings;
        let target = &settings.target;
        let refuse = |setting, problem: &str| {
            Err(Error::InvalidSetting { setting, problem: problem.to_owned() })
        };
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

/// Returns true if the program would be searched in the directory that it runs in.
fn is_ambiguous(program: &Path) -> bool {
    program.as_os_str().is_empty() || (program.components().count() > 1 && !program.is_absolute())
}

/// Returns the key as `type base64`, without a comment. `None` if it is not a key.
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
