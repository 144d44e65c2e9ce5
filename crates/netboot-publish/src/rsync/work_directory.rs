//! The private directory of one run of `rsync`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use netboot_core::ReleasePath;
use tempfile::TempDir;

use super::settings::{HostKeys, Password, Settings};
use super::ssh_config::{self, CONTROL, IDENTITY, KNOWN_HOSTS};
use crate::error::Error;

/// The maximum size in bytes of a configuration of ssh.
const SSH_CONFIG_LIMIT: u64 = 1024 * 1024;

/// The file with the list of names for `rsync`.
pub(super) const FILES: &str = "files";
/// The tree that is sent.
pub(super) const TREE: &str = "tree";
/// The directory for fetched files.
pub(super) const FETCHED: &str = "fetched";
/// The file with a daemon's password.
pub(super) const PASSWORD: &str = "password";
/// The configuration of ssh.
pub(super) const SSH_CONFIG: &str = "ssh_config";

/// A directory that only this user can enter. Dropping it deletes it.
///
/// `rsync` and ssh run in it, and all their files have simple names in it. So no path of this
/// machine, whatever its characters are, becomes part of a command line or a configuration.
#[derive(Debug)]
pub(super) struct WorkDirectory(TempDir);

impl WorkDirectory {
    pub(super) fn create(settings: &Settings) -> Result<Self, Error> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("netboot-rsync-");
        let parent = settings.staging_directory.clone().unwrap_or_else(std::env::temp_dir);
        let directory = builder
            .tempdir_in(&parent)
            .map_err(|source| named("create a directory in", &parent, source))?;
        let directory = Self(directory);
        for name in [TREE, FETCHED] {
            directory.create_directory(Path::new(name))?;
        }
        match &settings.password {
            Some(Password::Text(text)) => directory.write(PASSWORD, &format!("{text}\n"))?,
            Some(Password::File(path)) => {
                directory.link("open the password file", PASSWORD, path)?;
            }
            None => {}
        }
        if settings.target.is_ssh() {
            directory.prepare_ssh(settings)?;
        }
        Ok(directory)
    }

    fn prepare_ssh(&self, settings: &Settings) -> Result<(), Error> {
        if let Some(identity) = &settings.identity {
            self.link("open the identity file", IDENTITY, identity)?;
            // ssh expects the public key and the certificate beside the private key.
            for suffix in [".pub", "-cert.pub"] {
                let beside = append(identity, suffix);
                if beside.exists() {
                    self.link("open the identity file", &format!("{IDENTITY}{suffix}"), &beside)?;
                }
            }
        }
        match &settings.host_keys {
            HostKeys::OfUser => {}
            HostKeys::File(path) => self.link("open the file of known hosts", KNOWN_HOSTS, path)?,
            HostKeys::Pinned(keys) => {
                let (host, port) = (settings.target.host(), settings.target.port());
                self.write(KNOWN_HOSTS, &ssh_config::known_hosts(host, port, keys))?;
            }
        }
        let user_config = match &settings.ssh_config {
            Some(path) => netboot_core::read_regular_text(path, SSH_CONFIG_LIMIT)?,
            None => String::new(),
        };
        let identity = settings.identity.as_ref().map(|_| IDENTITY);
        let known_hosts = match settings.host_keys {
            HostKeys::OfUser => None,
            HostKeys::File(_) | HostKeys::Pinned(_) => Some(KNOWN_HOSTS),
        };
        let text = ssh_config::text(settings, identity, known_hosts, &user_config);
        self.write(SSH_CONFIG, &text)
    }

    pub(super) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// The path of an object in the tree that is sent.
    pub(super) fn in_tree(&self, path: &ReleasePath) -> PathBuf {
        self.path(TREE).join(path.as_str())
    }

    /// Creates the directories above these paths in the tree.
    pub(super) fn create_parents<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a ReleasePath>,
    ) -> Result<(), Error> {
        paths.into_iter().try_for_each(|path| {
            let parent = Path::new(path.as_str()).parent().unwrap_or(Path::new(""));
            self.create_directory(&Path::new(TREE).join(parent))
        })
    }

    /// Makes ssh use the connection of this socket. A link in the directory gives it a short name,
    /// because the path of a socket has at most 107 bytes.
    pub(super) fn share(&self, socket: &Path) -> Result<(), Error> {
        let place = self.path(CONTROL);
        if fs::read_link(&place).is_ok_and(|target| target == socket) {
            return Ok(());
        }
        let beside = append(&place, ".new");
        let failed = |source| Error::io("link", &place, source);
        symlink(socket, &beside).map_err(failed)?;
        fs::rename(&beside, &place).map_err(failed)
    }

    /// Writes the list of names for `rsync`.
    pub(super) fn write_names<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let mut list = String::new();
        for name in names {
            list.push_str(name);
            list.push('\0');
        }
        self.write(FILES, &list)
    }

    fn create_directory(&self, name: &Path) -> Result<(), Error> {
        let path = self.root().join(name);
        fs::create_dir_all(&path).map_err(|source| Error::io("create", &path, source))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path(name);
        let failed = |source| Error::io("write", &path, source);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)
    }

    /// Creates a link to a file that the caller named. `action` opens it.
    fn link(&self, action: &'static str, name: &str, target: &Path) -> Result<(), Error> {
        let whole = fs::canonicalize(target).map_err(|source| named(action, target, source))?;
        symlink(whole, self.path(name)).map_err(|source| Error::io("link", self.path(name), source))
    }
}

/// The error of a file or directory that the caller named, and that did not vanish meanwhile.
fn named(action: &'static str, path: &Path, source: io::Error) -> Error {
    netboot_core::Error::io(action, path, source).into()
}

fn append(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
