//! Shared by the tests of the rsync store: a daemon, an sshd, and targets on both.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use netboot_core::{Artifact, ArtifactKind, BytesArtifact, FileName, ReleasePath};
use netboot_publish::{
    Error, RsyncFailure, RsyncFailureKind, RsyncStore, RsyncStoreBuilder, RsyncTarget, Upload,
};
use netboot_testbed::{RsyncDaemon, RsyncModule, SshServer};
use tempfile::TempDir;

/// A daemon with one module, `pub`, in the directory `published`.
pub(crate) struct DaemonSite {
    pub(crate) daemon: RsyncDaemon,
    pub(crate) work: TempDir,
}

impl DaemonSite {
    pub(crate) fn new() -> Self {
        Self::with(|module| module)
    }

    pub(crate) fn with(change: impl FnOnce(RsyncModule) -> RsyncModule) -> Self {
        let work = TempDir::new().unwrap();
        let published = work.path().join("published");
        fs::create_dir(&published).unwrap();
        let module = change(RsyncModule::new("pub", &published));
        let daemon = RsyncDaemon::start(&work.path().join("daemon"), &[module]);
        Self { daemon, work }
    }

    /// The directory of the module.
    pub(crate) fn published(&self) -> PathBuf {
        self.work.path().join("published")
    }

    pub(crate) fn target(&self, path: &str) -> RsyncTarget {
        RsyncTarget::daemon("127.0.0.1", self.daemon.port(), "pub", path).unwrap()
    }

    pub(crate) fn builder(&self, path: &str) -> RsyncStoreBuilder {
        RsyncStore::builder(self.target(path))
    }
}

/// An sshd, and a directory `published`.
pub(crate) struct SshSite {
    pub(crate) server: SshServer,
    pub(crate) work: TempDir,
}

impl SshSite {
    pub(crate) fn new() -> Self {
        let work = TempDir::new().unwrap();
        fs::create_dir(work.path().join("published")).unwrap();
        let server = SshServer::start(&work.path().join("sshd"));
        Self { server, work }
    }

    pub(crate) fn published(&self) -> PathBuf {
        self.work.path().join("published")
    }

    pub(crate) fn target(&self, path: &str) -> RsyncTarget {
        RsyncTarget::ssh(self.server.user(), "127.0.0.1", self.server.port(), path).unwrap()
    }

    /// A builder for a key called `name`, with these options in `authorized_keys`.
    pub(crate) fn builder_as(&self, name: &str, options: &str, path: &str) -> RsyncStoreBuilder {
        let identity = self.server.authorize(name, options);
        RsyncStore::builder(self.target(path))
            .identity_file(identity)
            .host_key(&self.server.host_key())
    }

    /// A builder for an account with a shell.
    pub(crate) fn builder(&self, path: &Path) -> RsyncStoreBuilder {
        self.builder_as(&new_name("key"), "", path.to_str().unwrap())
    }
}

/// The options of a key that may only run `rrsync` with these arguments.
pub(crate) fn restricted(words: &str) -> String {
    let rrsync = netboot_testbed::tool("rrsync");
    format!("restrict,command=\"{} {words}\"", rrsync.display())
}

/// A name that no other call returns.
pub(crate) fn new_name(prefix: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{prefix}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn path(text: &str) -> ReleasePath {
    ReleasePath::new(text).unwrap()
}

pub(crate) fn upload(place: &str, bytes: impl Into<Bytes>) -> Upload {
    let name = FileName::new("object").unwrap();
    let artifact: Arc<dyn Artifact> =
        Arc::new(BytesArtifact::new(ArtifactKind::Script, name, bytes).unwrap());
    Upload::new(path(place), artifact)
}

/// The failure in an error. Checks that it has a hint, the call, and the output of the program.
pub(crate) fn failure(error: &Error) -> &RsyncFailure {
    let Error::Rsync { source } = error else { panic!("{error:?}") };
    assert!(!source.hint().is_empty() && error.hint().is_some());
    assert!(!source.program().is_empty() && !source.arguments().is_empty());
    assert!(source.to_string().contains(source.target()), "{source}");
    assert!(source.last_lines().len() <= 20);
    source
}

pub(crate) fn kind(error: &Error) -> RsyncFailureKind {
    failure(error).kind()
}

/// The processes with this text in their command line.
pub(crate) fn processes_with(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(command) = fs::read(entry.path().join("cmdline")) else { continue };
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains(text) {
            found.push(command);
        }
    }
    found
}
