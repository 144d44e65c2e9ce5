//! The ssh connection of a store, which all its runs of `rsync` share.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use foreign_text::ForeignText;
use netboot_core::Context;
use netboot_process::{Child, Command};
use tokio::sync::Mutex;

use super::settings::{SSH_AGENT, Settings};
use super::ssh_config::CONTROL;
use super::work_directory::{SSH_CONFIG, WorkDirectory};
use crate::error::Error;

/// The time between two looks at the state of the connection.
const POLL: Duration = Duration::from_millis(5);

/// The wait after a connection that cannot be shared, before the store tries to share one again.
const PAUSE: Duration = Duration::from_secs(60);

/// The maximum time to wait for the end of a master, after one of its clients has lost it.
const LAST_MOMENTS: Duration = Duration::from_secs(1);

/// The connection. It is opened when it is first needed, and opened again after it has ended.
#[derive(Debug, Default)]
pub(super) struct Connection(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    master: Option<Master>,
    /// The end of the time in which each run opens its own connection.
    paused: Option<Instant>,
}

/// The connection of one run.
#[derive(Debug)]
pub(super) enum Sharing {
    /// The socket of the shared connection.
    Shared(PathBuf),
    /// The run opens its own connection.
    Alone,
    /// ssh cannot connect.
    Failed { status: ExitStatus, last_lines: Vec<ForeignText> },
}

impl Connection {
    /// Returns the connection, and opens it if there is none.
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
        let deadline = Instant::now() + settings.connect_timeout * 2;
        let Some(mut master) = Master::start(settings).await? else {
            state.paused = Some(Instant::now() + PAUSE);
            return Ok(Sharing::Alone);
        };
        loop {
            // ssh creates the socket as soon as the server has accepted the key.
            if master.socket().exists() {
                let socket = master.socket();
                *state = State { master: Some(master), paused: None };
                return Ok(Sharing::Shared(socket));
            }
            if !master.runs()
                && let Ok(status) = master.process.wait().await
            {
                let last_lines = master.process.last_lines().into();
                return Ok(Sharing::Failed { status, last_lines });
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

    /// Makes runs open their own connections for a while.
    pub(super) async fn pause(&self) {
        self.0.lock().await.paused = Some(Instant::now() + PAUSE);
    }

    /// Returns true if the connection has ended or ends within [`LAST_MOMENTS`].
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

/// An ssh process that holds a connection open and runs no command. Dropping it kills ssh. If this
/// process is killed, ssh is killed too.
#[derive(Debug)]
struct Master {
    process: Child,
    directory: WorkDirectory,
}

impl Master {
    /// Starts ssh. `None` if it cannot be started.
    async fn start(settings: &Settings) -> Result<Option<Self>, Error> {
        let create = settings.clone();
        let directory = netboot_core::blocking(move || WorkDirectory::create(&create)).await?;
        let mut command = Command::new(&settings.ssh).args(["-F", SSH_CONFIG, "-M", "-N", "-T"]);
        if let Some(user) = settings.target.user() {
            command = command.args(["-l", user]);
        }
        let started = command
            .args(["--", settings.target.host()])
            .env_inherit(SSH_AGENT)
            .env("LC_ALL", "C")
            .current_dir(directory.root())
            .grace(Duration::ZERO)
            .start();
        Ok(started.ok().map(|process| Self { process, directory }))
    }

    fn socket(&self) -> PathBuf {
        self.directory.path(CONTROL)
    }

    fn runs(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}
