//! A real rsync daemon.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::failure::or_fail;
use crate::loopback_server::LoopbackServer;
use crate::tool;

/// A module of an [`RsyncDaemon`]: a directory under a name.
#[derive(Debug, Clone)]
pub struct RsyncModule {
    name: String,
    lines: Vec<String>,
    secrets: Option<String>,
}

impl RsyncModule {
    /// A module that everybody may read and write.
    pub fn new(name: &str, path: &Path) -> Self {
        let path = format!("path = {}", path.display());
        let lines = ["read only = no", "munge symlinks = no", "use chroot = no"];
        let lines = lines.map(str::to_owned).into_iter().chain([path]).collect();
        Self { name: name.to_owned(), lines, secrets: None }
    }

    /// Adds a line of rsyncd.conf, such as `refuse options = fsync`.
    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Admits only one user, who has a password.
    #[must_use]
    pub fn with_user(mut self, user: &str, password: &str) -> Self {
        self.secrets = Some(format!("{user}:{password}\n"));
        self.with(&format!("auth users = {user}"))
    }
}

/// An rsync daemon on a reserved port of the loopback interface.
///
/// It listens when the constructor returns, and is killed with all its sessions when this is
/// dropped, or when the process that started it ends in whatever way. It runs as the user that
/// the test runs as.
///
/// ```no_run
/// use netboot_testbed::{RsyncDaemon, RsyncModule};
///
/// let module = RsyncModule::new("pxe", "/srv/pxe".as_ref());
/// let daemon = RsyncDaemon::start("target/daemon".as_ref(), &[module]);
/// println!("rsync://127.0.0.1:{}/pxe", daemon.port());
/// ```
#[derive(Debug)]
pub struct RsyncDaemon {
    server: LoopbackServer,
    configuration: PathBuf,
}

impl RsyncDaemon {
    /// Starts a daemon with these modules, and with its configuration and its log in `directory`.
    ///
    /// # Panics
    /// If it does not start; the message has the end of its log, or says what to install.
    pub fn start(directory: &Path, modules: &[RsyncModule]) -> Self {
        or_fail(fs::create_dir_all(directory), "the daemon's directory");
        let directory = or_fail(fs::canonicalize(directory), "the daemon's directory");
        let configuration = directory.join("rsyncd.conf");
        let mut text = String::from(
            "address = 127.0.0.1\nlog file = /dev/stderr\n\
                                    reverse lookup = no\nsocket options = TCP_NODELAY\n",
        );
        if rustix::process::geteuid().is_root() {
            text.push_str("uid = root\ngid = root\n");
        }
        for module in modules {
            let _ = writeln!(text, "[{}]", module.name);
            for line in &module.lines {
                let _ = writeln!(text, "{line}");
            }
            if let Some(secrets) = &module.secrets {
                let path = directory.join(format!("{}.secrets", module.name));
                or_fail(fs::write(&path, secrets), "the daemon's secrets");
                let private = fs::Permissions::from_mode(0o600);
                or_fail(fs::set_permissions(&path, private), "the daemon's secrets");
                let _ = writeln!(text, "secrets file = {}", path.display());
            }
        }
        or_fail(fs::write(&configuration, text), "the daemon's configuration");
        let log = directory.join("rsyncd.log");
        let server = LoopbackServer::start(&log, |port| command(&configuration, port));
        Self { server, configuration }
    }

    /// The port it listens on, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Kills the daemon with all its sessions, as a power failure would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Kills the sessions that there are now, which cuts their connections; the daemon stays.
    pub fn kill_sessions(&self) {
        self.server.kill_sessions();
    }

    /// Kills the daemon, if it still runs, and starts it again on its port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        let configuration = self.configuration.clone();
        self.server.restart(|port| command(&configuration, port));
    }
}

fn command(configuration: &Path, port: u16) -> Vec<String> {
    let (rsync, configuration) = (tool("rsync"), configuration.display());
    let port = format!("--port={port}");
    let configuration = format!("--config={configuration}");
    [rsync.display().to_string().as_str(), "--daemon", "--no-detach", &configuration, &port]
        .map(str::to_owned)
        .to_vec()
}
