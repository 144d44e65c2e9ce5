//! An rsync daemon and a server of ssh, near and far, against `rsync -a` to the same server.

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use netboot_benches::{
    Case, Contender, Goal, ImageFiles, ImageSizes, Place, Row, Run, RunCounter, Wire, contest,
    is_test, publish, publish_immutable, run,
};
use netboot_testbed::{RsyncDaemon, RsyncModule, SshServer, tool};
use tempfile::TempDir;

/// The round trip to a server that is far away.
const FAR: Duration = Duration::from_millis(50);

/// The name that the peers know the server's key by, on whichever port they reach it.
const HOST_KEY_ALIAS: &str = "netboot-bench";

/// A server that both programs can reach.
enum Server {
    Daemon(RsyncDaemon),
    Ssh { server: SshServer, identity: PathBuf, known_hosts: PathBuf },
}

impl Server {
    fn daemon(work: &Path, published: &Path) -> Self {
        Self::Daemon(RsyncDaemon::start(
            &work.join("daemon"),
            &[RsyncModule::new("pub", published)],
        ))
    }

    fn ssh(work: &Path, _published: &Path) -> Self {
        let server = SshServer::start(&work.join("sshd"));
        let identity = server.authorize("publisher", "");
        let known_hosts = work.join("known_hosts");
        fs::write(&known_hosts, format!("{HOST_KEY_ALIAS} {}\n", server.host_key())).unwrap();
        Self::Ssh { server, identity, known_hosts }
    }

    fn address(&self) -> SocketAddr {
        let port = match self {
            Self::Daemon(daemon) => daemon.port(),
            Self::Ssh { server, .. } => server.port(),
        };
        ([127, 0, 0, 1], port).into()
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Daemon(_) => "daemon",
            Self::Ssh { .. } => "ssh",
        }
    }

    fn place(&self, address: SocketAddr, directory: PathBuf, counter: &RunCounter) -> Place {
        let (port, program) = (address.port(), counter.program().to_owned());
        match self {
            Self::Daemon(_) => {
                let path = directory.file_name().and_then(|name| name.to_str()).unwrap().to_owned();
                Place::RsyncDaemon { port, path, program: Some(program) }
            }
            Self::Ssh { server, identity, .. } => {
                let (user, host_key) = (server.user().to_owned(), server.host_key());
                let identity = identity.clone();
                Place::RsyncSsh { user, port, directory, identity, host_key, program }
            }
        }
    }

    /// Runs `rsync -a`, over a connection of its own.
    fn rsync(&self, options: &[&str], from: &Path, address: SocketAddr, to: &Path) -> Run {
        let mut command = Command::new("rsync");
        command.arg("-a").args(options).arg(format!("{}/", from.display()));
        match self {
            Self::Daemon(_) => {
                let path = to.file_name().and_then(|name| name.to_str()).unwrap();
                command.arg(format!("rsync://{address}/pub/{path}/"));
            }
            Self::Ssh { server, identity, known_hosts } => {
                let (identity, known_hosts) = (identity.display(), known_hosts.display());
                command.arg(format!(
                    "--rsh=ssh -F /dev/null -p {} -i {identity} -o IdentitiesOnly=yes \
                     -o BatchMode=yes -o UserKnownHostsFile={known_hosts} \
                     -o HostKeyAlias={HOST_KEY_ALIAS}",
                    address.port()
                ));
                command.arg(format!("{}@{}:{}/", server.user(), address.ip(), to.display()));
            }
        }
        run(&mut command)
    }
}

/// The state before a publication.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// The target is empty.
    Nothing,
    /// The target has the image.
    Publication,
    /// The target has the image with another kernel.
    Change,
}

impl Before {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "cold",
            Self::Publication => "unchanged",
            Self::Change => "one file changed",
        }
    }

    /// The goals for the ratios to `rsync -a --fsync` and to `rsync -a`.
    fn goals(self) -> [Option<Goal>; 2] {
        match self {
            Self::Nothing => [Some(Goal::Ratio(1.3)), None],
            Self::Publication => [None, Some(Goal::Ratio(0.8))],
            Self::Change => [Some(Goal::Ratio(1.5)), None],
        }
    }
}

/// A daemon on this machine.
pub(crate) fn daemon_rows() -> Vec<Row> {
    rows(Server::daemon, false)
}

/// A daemon that is far away.
pub(crate) fn far_daemon_rows() -> Vec<Row> {
    rows(Server::daemon, true)
}

/// A server of ssh on this machine.
pub(crate) fn ssh_rows() -> Vec<Row> {
    rows(Server::ssh, false)
}

/// A server of ssh that is far away.
pub(crate) fn far_ssh_rows() -> Vec<Row> {
    rows(Server::ssh, true)
}

/// An image that is not there, one that is, and one of which the kernel changed, in files that may
/// change while they are published and in files that nobody changes. Each time is that of hashed
/// files.
fn rows(server: impl FnOnce(&Path, &Path) -> Server, is_far: bool) -> Vec<Row> {
    let work = TempDir::new().unwrap();
    let files = ImageFiles::new(&work.path().join("image"), ImageSizes::sixteen_files());
    let files = RefCell::new(files);
    let published = work.path().join("published");
    fs::create_dir(&published).unwrap();
    let counter = RunCounter::new(work.path(), &tool("rsync"));
    let server = server(work.path(), &published);
    let wire =
        if is_far { Wire::long(server.address(), FAR) } else { Wire::stream(server.address()) };
    let mut rows = Vec::new();
    for (before, are_immutable) in [
        (Before::Nothing, false),
        (Before::Nothing, true),
        // The files do not matter to a release that is live.
        (Before::Publication, false),
        (Before::Change, false),
        (Before::Change, true),
    ] {
        let case = (&server, before, are_immutable);
        rows.extend(compare(case, is_far, &wire, &files, &published, &counter));
    }
    rows
}

fn compare(
    (server, before, are_immutable): (&Server, Before, bool),
    is_far: bool,
    wire: &Wire,
    files: &RefCell<ImageFiles>,
    published: &Path,
    counter: &RunCounter,
) -> Vec<Row> {
    let prepare = move |name: &str| {
        let target = published.join(name);
        match before {
            Before::Nothing => {
                let _ = fs::remove_dir_all(&target);
                fs::create_dir(&target).unwrap();
            }
            Before::Publication => {}
            Before::Change => files.borrow_mut().change(),
        }
        target
    };
    let us = Contender::new("netboot", move |address| {
        let place = server.place(address, prepare("netboot"), counter);
        let publish = if are_immutable { publish_immutable } else { publish };
        publish(&place, files.borrow().directory()).hashed_before()
    })
    .trips(|| counter.take())
    .goal(Goal::Trips(6));
    let peer = |name: &str, options: &'static [&'static str], goal: Option<Goal>| {
        let peer = Contender::new(name, move |address| {
            let target = prepare(if options.is_empty() { "plain" } else { "synced" });
            server.rsync(options, files.borrow().directory(), address, &target)
        });
        goal.into_iter().fold(peer, Contender::goal)
    };
    let [to_synced, to_plain] = before.goals();
    let (size, blobs) = (files.borrow().megabytes(), ImageSizes::sixteen_files().blobs);
    let far = if is_far { format!(", {} ms away", FAR.as_millis()) } else { String::new() };
    let kind = match (before, are_immutable) {
        (Before::Publication, _) => "",
        (_, false) => " that may change",
        (_, true) => " that never change",
    };
    let name = format!(
        "{}{far}, {}, {size} MB in {} files{kind}",
        server.name(),
        before.name(),
        2 + blobs
    );
    let rounds = if is_test() { 1 } else { 5 };
    let case = Case { place: "rsync", name: &name, rounds, wire: Some(wire) };
    let synced = peer("rsync -a --fsync", &["--fsync"], to_synced);
    contest(case, vec![us, synced, peer("rsync -a", &[], to_plain)])
}
