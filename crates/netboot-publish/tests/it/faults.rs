//! Shared by the tests of faults: a target of each kind, reached directly or through a proxy, and a
//! reader that sees the target as machines do.

mod outcome;
mod place;
mod reader;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use netboot_testbed::{FaultProxy, RsyncDaemon, RsyncModule, S3Server, SshServer, is_long};
use tempfile::TempDir;

use crate::patience::PATIENCE;
use crate::s3::BUCKET;

pub(crate) use self::outcome::{Outcomes, name_of};
pub(crate) use self::place::{IMPATIENCE, Kind, Place};
pub(crate) use self::reader::Reader;

/// The server of a target.
pub(crate) struct Target {
    kind: Kind,
    server: Server,
    work: TempDir,
}

enum Server {
    /// No server.
    Directory,
    S3(S3Server),
    Daemon(RsyncDaemon),
    Ssh(SshServer),
}

impl Target {
    pub(crate) fn start(kind: Kind) -> Self {
        Self::start_with_data(kind, None)
    }

    /// A target that publishes to this existing directory.
    pub(crate) fn start_with_data(kind: Kind, data: Option<&Path>) -> Self {
        let work = TempDir::new().unwrap();
        for name in ["sources", "temporary"] {
            fs::create_dir(work.path().join(name)).unwrap();
        }
        let directory = work.path().join("server");
        fs::create_dir(&directory).unwrap();
        let published = directory.join("data");
        match data {
            Some(data) => std::os::unix::fs::symlink(data, &published).unwrap(),
            None => fs::create_dir(&published).unwrap(),
        }
        let s3 = |start: fn(&Path) -> S3Server| {
            let server = start(&directory);
            server.create_bucket(BUCKET);
            Server::S3(server)
        };
        let server = match kind {
            Kind::Local | Kind::Memory => Server::Directory,
            Kind::Ministack => s3(S3Server::ministack),
            Kind::Nanio => s3(S3Server::nanio),
            Kind::Daemon => {
                let module = RsyncModule::new("pub", &published);
                Server::Daemon(RsyncDaemon::start(&directory, &[module]))
            }
            Kind::Ssh => {
                let server = SshServer::start(&directory);
                server.authorize("publisher", "");
                Server::Ssh(server)
            }
        };
        Self { kind, server, work }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match &self.server {
            Server::Directory => ([127, 0, 0, 1], 0).into(),
            Server::S3(server) => server.address(),
            Server::Daemon(daemon) => ([127, 0, 0, 1], daemon.port()).into(),
            Server::Ssh(server) => ([127, 0, 0, 1], server.port()).into(),
        }
    }

    /// The target, reached directly.
    pub(crate) fn place(&self, name: &str) -> Place {
        let (user, host_key) = match &self.server {
            Server::Ssh(server) => (server.user().to_owned(), server.host_key()),
            _ => (String::new(), String::new()),
        };
        Place {
            kind: self.kind,
            address: self.address(),
            name: name.to_owned(),
            directory: self.published(),
            identity: self.work.path().join("server/publisher"),
            user,
            host_key,
            temporary: self.temporary(),
            timeout: PATIENCE,
        }
    }

    /// The target, reached through a proxy.
    pub(crate) fn place_behind(&self, proxy: &FaultProxy, name: &str) -> Place {
        Place { address: proxy.address(), ..self.place(name) }
    }

    /// Lets the lease of a lock that nobody renews any more end at once.
    pub(crate) fn end_lease(&self, name: &str) {
        let Server::S3(server) = &self.server else { return };
        let lock = format!("/{BUCKET}/{name}/.netboot/lock");
        if server.request("HEAD", &lock, "").contains(" 200 ") {
            let answer = server.request("PUT", &lock, "netboot lock 1 ended\n");
            assert!(answer.contains(" 200 "), "{answer}");
        }
    }

    /// A reader of the target, which reads directly.
    pub(crate) async fn reader(&self, name: &str) -> Reader {
        Reader::of(&self.place(name)).await
    }

    /// The directory of the published files.
    pub(crate) fn sources(&self) -> PathBuf {
        self.work.path().join("sources")
    }

    /// The directory for temporary files of publishers.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.work.path().join("temporary")
    }

    fn published(&self) -> PathBuf {
        self.work.path().join("server/data")
    }
}

/// The processes that run below a directory or have its name in their command line.
pub(crate) fn processes_of(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(command) = fs::read(entry.path().join("cmdline")) else { continue };
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let runs_in = fs::read_link(entry.path().join("cwd"));
        if runs_in.is_ok_and(|path| path.starts_with(directory)) {
            found.push(command);
        }
    }
    found
}

/// The number of times that a test does something: the value of `variable` if it is set, or else
/// `whole` with `NETBOOT_LONG_TESTS`, and `sample` without.
pub(crate) fn count_from(variable: &str, sample: usize, whole: usize) -> usize {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap(),
        Err(_) if is_long() => whole,
        Err(_) => sample,
    }
}
