//! The one ssh connection of a store, which all its runs of `rsync` share.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use netboot_core::Context;
use netboot_process::{Child, Command};
use tokio::sync::Mutex;

use super::settings::Settings;
use super::ssh_config::CONTROL;
use super::work_directory::{SSH_CONFIG, WorkDirectory};
use crate::error::Error;

/// How often it is looked whether the connection stands.
const POLL: Duration = Duration::from_millis(5);

/// How long a connection that cannot be shared is not tried for again.
const PAUSE: Duration = Duration::from_secs(60);

/// How long the end of a master is waited for, once one of its clients has said that it ended.
const LAST_MOMENTS: Duration = Duration::from_secs(1);

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
        let deadline = Instant::now() + settings.connect_timeout * 2;
        let Some(mut master) = Master::start(settings).await? else {
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
    directory: WorkDirectory,
}

impl Master {
    /// Starts it; `None` where it cannot be started.
    async fn start(settings: &Settings) -> Result<Option<Self>, Error> {
        let create = settings.clone();
        let directory = netboot_core::blocking(move || WorkDirectory::create(&create)).await?;
        let mut command = Command::new(&settings.ssh).args(["-F", SSH_CONFIG, "-M", "-N", "-T"]);
        if let Some(user) = settings.target.user() {
            command = command.args(["-l", user]);
        }
        let started = command
            .args(["--", settings.target.host()])
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
