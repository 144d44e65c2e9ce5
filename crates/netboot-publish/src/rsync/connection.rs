//! The one ssh connection of a store, which all its runs of `rsync` share.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netboot_core::Context;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::sync::Mutex;

use super::settings::Settings;
use super::ssh_config::CONTROL;
use super::work_directory::{SSH_CONFIG, WorkDirectory};
use crate::error::Error;

/// Becomes the program that is given, with a shell beside it that ends both when the pipe to the
/// parent is closed, as it is when the parent ends without a word.
const GUARDED: &str =
    r#"exec 3<&0; { read -r _ <&3; kill -s KILL 0; } & exec "$@" </dev/null 3<&-"#;

/// The file in its directory with what ssh says.
const LOG: &str = "log";

/// How often it is looked whether the connection stands.
const POLL: Duration = Duration::from_millis(5);

/// How long a connection that cannot be shared is not tried for again.
const PAUSE: Duration = Duration::from_secs(60);

/// How long the end of a master is waited for, once one of its clients has said that it ended.
const LAST_MOMENTS: Duration = Duration::from_secs(1);

/// How many bytes of what ssh says are read.
const LOG_LIMIT: u64 = 16 * 1024;

/// How many lines of what ssh says are kept for an error.
const LAST_LINES: usize = 20;

/// The connection: there when it is needed first, and again when it has ended.
#[derive(Debug, Default)]
pub(super) struct Connection(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    master: Option<Master>,
    /// Until when runs have connections of their own.
    paused: Option<Instant>,
}

/// What a run has.
#[derive(Debug)]
pub(super) enum Sharing {
    /// The socket of the shared connection.
    Shared(PathBuf),
    /// It connects by itself.
    Alone,
    /// ssh could not connect.
    Failed { status: ExitStatus, last_lines: Vec<String> },
}

impl Connection {
    /// The connection, which is made if there is none.
    pub(super) async fn share(
        &self,
        settings: &Settings,
        context: &Context,
    ) -> Result<Sharing, Error> {
        let mut state = tokio::select! {
            state = self.0.lock() => state,
            () = context.cancellation().cancelled() => return Err(Error::Cancelled),
        };
        if let Some(master) = &mut state.master {
            if master.runs() {
                return Ok(Sharing::Shared(master.socket()));
            }
            state.master = None;
        }
        if state.paused.is_some_and(|until| Instant::now() < until) {
            return Ok(Sharing::Alone);
        }
        let settings = settings.clone();
        let deadline = Instant::now() + settings.connect_timeout * 2;
        let starting = netboot_core::blocking(move || Master::start(&settings));
        let Some(mut master) = starting.await? else {
            state.paused = Some(Instant::now() + PAUSE);
            return Ok(Sharing::Alone);
        };
        loop {
            // ssh makes the socket at once when it was let in.
            if master.socket().exists() {
                let socket = master.socket();
                *state = State { master: Some(master), paused: None };
                return Ok(Sharing::Shared(socket));
            }
            if let Ok(Some(status)) = master.process.try_wait() {
                return Ok(Sharing::Failed { status, last_lines: master.last_lines() });
            }
            if Instant::now() >= deadline {
                state.paused = Some(Instant::now() + PAUSE);
                return Ok(Sharing::Alone);
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = context.cancellation().cancelled() => return Err(Error::Cancelled),
            }
        }
    }

    /// Lets runs have connections of their own for a while.
    pub(super) async fn pause(&self) {
        self.0.lock().await.paused = Some(Instant::now() + PAUSE);
    }

    /// Whether the connection has ended, or does within a moment.
    pub(super) async fn has_ended(&self) -> bool {
        let deadline = Instant::now() + LAST_MOMENTS;
        loop {
            if !self.0.lock().await.master.as_mut().is_some_and(Master::runs) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// An ssh that holds a connection and runs nothing through it. It ends when this is dropped, or
/// with this process.
#[derive(Debug)]
struct Master {
    process: Child,
    directory: Arc<WorkDirectory>,
}

impl Master {
    /// Starts it; `None` where it cannot be started.
    fn start(settings: &Settings) -> Result<Option<Self>, Error> {
        let directory = Arc::new(WorkDirectory::create(settings)?);
        let log = directory.path(LOG);
        let log = File::create(&log).map_err(|source| Error::io("write", &log, source))?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARDED, "netboot-ssh-guard"]).arg(&settings.ssh);
        command.args(["-F", SSH_CONFIG, "-M", "-N", "-T"]);
        if let Some(user) = settings.target.user() {
            command.args(["-l", user]);
        }
        command.arg("--").arg(settings.target.host());
        let started = command
            .env("LC_ALL", "C")
            .current_dir(directory.root())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Ok(started.ok().map(|process| Self { process, directory }))
    }

    fn socket(&self) -> PathBuf {
        self.directory.path(CONTROL)
    }

    fn runs(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    fn last_lines(&self) -> Vec<String> {
        let text = read(self.directory.path(LOG)).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].to_vec()
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // The shell beside it may still be there when it has ended, so that the group is too.
        if let Some(group) = Pid::from_raw(self.process.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        // The wait is for a SIGKILL only.
        let _ = self.process.wait();
    }
}

fn read(path: PathBuf) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LOG_LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
