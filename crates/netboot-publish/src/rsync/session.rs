//! The runs of `rsync` to one target.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use foreign_text::ForeignText;
use netboot_core::{Context, Event};
use netboot_process::Command;
use tokio::sync::{OnceCell, Semaphore};

use super::arguments::Arguments;
use super::connection::{Connection, Sharing};
use super::failure::{Call, RsyncFailure, RsyncFailureKind};
use super::known_directories::KnownDirectories;
use super::settings::{SSH_AGENT, Settings};
use super::version::RsyncVersion;
use super::work_directory::{TREE, WorkDirectory};
use crate::error::Error;
use crate::root_mode::unreadable_root;

/// The maximum number of simultaneous runs. A daemon may limit connections, and sshd refuses some
/// if ten of them are not authenticated yet.
const PARALLEL_RUNS: u32 = 4;

/// The first and the longest wait before the next attempt, if another client uses the far side.
const BUSY_WAIT: Duration = Duration::from_millis(50);
const LONGEST_BUSY_WAIT: Duration = Duration::from_secs(1);

/// The maximum number of retries after another publisher created the target directory first.
const RACES: usize = 3;

/// The state of a store: settings, connection, and what it knows about the target.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) settings: Settings,
    version: OnceCell<RsyncVersion>,
    connection: Connection,
    runs: Semaphore,
    one_at_a_time: AtomicBool,
    fsync_refused: AtomicBool,
    pub(super) directories: KnownDirectories,
    root_mode: OnceLock<u32>,
    told_about_root: AtomicBool,
}

/// The result of a run of `rsync`. The caller decides if a failure is an error.
pub(super) type RunResult = Result<(), RsyncFailure>;

impl Session {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            version: OnceCell::new(),
            connection: Connection::default(),
            runs: Semaphore::new(PARALLEL_RUNS as usize),
            one_at_a_time: AtomicBool::new(false),
            fsync_refused: AtomicBool::new(false),
            directories: KnownDirectories::default(),
            root_mode: OnceLock::new(),
            told_about_root: AtomicBool::new(false),
        }
    }

    /// Creates a private directory for a run.
    pub(super) async fn work_directory(self: &Arc<Self>) -> Result<Arc<WorkDirectory>, Error> {
        let session = self.clone();
        netboot_core::blocking(move || WorkDirectory::create(&session.settings).map(Arc::new)).await
    }

    /// Runs `rsync`. If another client uses the far side, waits and tries again. The caller decides
    /// what any other failure means.
    pub(super) async fn run(
        &self,
        action: &'static str,
        work: &WorkDirectory,
        arguments: Vec<String>,
        context: &Context,
        mut on_line: impl FnMut(&str) + Send,
    ) -> Result<RunResult, Error> {
        let deadline = Instant::now() + self.settings.timeout;
        let mut wait = BUSY_WAIT;
        loop {
            let outcome =
                self.run_connected(action, work, &arguments, context, &mut on_line).await?;
            match &outcome {
                Err(failure)
                    if failure.kind() == RsyncFailureKind::Busy && Instant::now() < deadline =>
                {
                    // From now on, the runs of this store wait for each other, not for the far
                    // side.
                    self.one_at_a_time.store(true, Ordering::Relaxed);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = context.cancellation().cancelled() => return Err(Error::Cancelled),
                    }
                    wait = (wait * 2).min(LONGEST_BUSY_WAIT);
                }
                _ => return Ok(outcome),
            }
        }
    }

    /// Runs `rsync` over the shared connection if the target is reached by ssh.
    async fn run_connected(
        &self,
        action: &'static str,
        work: &WorkDirectory,
        arguments: &[String],
        context: &Context,
        on_line: &mut (impl FnMut(&str) + Send),
    ) -> Result<RunResult, Error> {
        if !self.settings.target.is_ssh() {
            return self.run_once(action, work, arguments, context, on_line).await;
        }
        let mut is_again = false;
        loop {
            let sharing = self.connection.share(&self.settings, context).await?;
            let is_shared = matches!(sharing, Sharing::Shared(_));
            match sharing {
                Sharing::Shared(socket) => work.share(&socket)?,
                Sharing::Alone => {}
                Sharing::Failed { status, last_lines } => {
                    let program = self.settings.ssh.display().to_string();
                    let call = self.call(action, program, &["-M", "-N"].map(str::to_owned));
                    let failure = RsyncFailure::ended(call, status, last_lines);
                    if is_connection_refusal(failure.kind()) {
                        return Ok(Err(failure));
                    }
                    self.connection.pause().await;
                }
            }
            match self.run_once(action, work, arguments, context, on_line).await? {
                // The connection was lost before this run. The server may be back.
                Err(failure)
                    if is_shared
                        && !std::mem::replace(&mut is_again, true)
                        && failure.received_nothing()
                        && self.connection.has_ended().await => {}
                outcome => return Ok(outcome),
            }
        }
    }

    fn call(&self, action: &'static str, program: String, arguments: &[String]) -> Call {
        Call {
            action,
            target: self.settings.target.to_string(),
            is_ssh: self.settings.target.is_ssh(),
            program,
            arguments: arguments.to_vec(),
        }
    }

    async fn run_once(
        &self,
        action: &'static str,
        work: &WorkDirectory,
        arguments: &[String],
        context: &Context,
        on_line: &mut (impl FnMut(&str) + Send),
    ) -> Result<RunResult, Error> {
        context.check()?;
        let permits = if self.one_at_a_time.load(Ordering::Relaxed) { PARALLEL_RUNS } else { 1 };
        let _permits = tokio::select! {
            permits = self.runs.acquire_many(permits) => permits.map_err(|_| Error::Cancelled)?,
            () = context.cancellation().cancelled() => return Err(Error::Cancelled),
        };
        let call = || self.call(action, self.settings.rsync.display().to_string(), arguments);
        let run = Command::new(&self.settings.rsync)
            .args(arguments)
            .current_dir(work.root())
            // The variables of rsync itself are not inherited: they add options, shells and proxies
            // to every run.
            .env_inherit(SSH_AGENT)
            // The store reads messages and times.
            .envs([("LC_ALL", "C"), ("TZ", "UTC0")])
            .grace(self.settings.grace)
            .on_output_line(on_line);
        match run.run(context.cancellation().cancelled()).await {
            Ok(finished) if finished.status.success() => Ok(Ok(())),
            Ok(finished) => {
                let (status, lines) = (finished.status, finished.last_lines.into());
                Ok(Err(RsyncFailure::ended(call(), status, lines)))
            }
            Err(netboot_process::Error::Cancelled { .. }) => Err(Error::Cancelled),
            Err(error) => Err(RsyncFailure::not_started(call(), error.into()).into()),
        }
    }

    /// Runs `rsync` to write. If the far side refuses `--fsync`, warns and writes without it.
    pub(super) async fn write(
        &self,
        action: &'static str,
        work: &WorkDirectory,
        options: &[&str],
        context: &Context,
        mut on_line: impl FnMut(&str) + Send,
    ) -> Result<(), Error> {
        let version = self.version(work, context).await?;
        let mut races = 0;
        loop {
            let fsync = self.asks_for_fsync();
            let mut arguments = Arguments::new(&self.settings, version);
            arguments.add_all(options.iter().copied());
            arguments.writing(&self.settings, version, fsync);
            arguments.by_names();
            let arguments =
                arguments.with_operands(&format!("{TREE}/"), &self.settings.target.operand());
            match self.run(action, work, arguments, context, &mut on_line).await? {
                Ok(()) => return Ok(()),
                Err(failure) if races < RACES && failure.lost_race_to_create_directory() => {
                    races += 1;
                }
                Err(failure) if fsync && refuses_fsync(&failure) => {
                    self.fsync_refused.store(true, Ordering::Relaxed);
                    context.emit(Event::Warning {
                        profile: None,
                        message: format!("{} cannot sync files to its disk", self.settings.target),
                        hint: Some(
                            "install rsync 3.2.4 or later there, or allow `fsync`; until then, \
                             files may not survive a crash of that machine in the minute after \
                             they are sent"
                                .to_owned(),
                        ),
                    });
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    /// Returns true if files are not synced to the far side's disk, as far as that is known now.
    pub(super) fn lacks_fsync(&self) -> bool {
        !self.asks_for_fsync() || self.version.get().is_some_and(|version| !version.has_fsync())
    }

    fn asks_for_fsync(&self) -> bool {
        self.settings.fsync && !self.fsync_refused.load(Ordering::Relaxed)
    }

    /// The version of this machine's `rsync`. It is determined once.
    pub(super) async fn version(
        &self,
        work: &WorkDirectory,
        context: &Context,
    ) -> Result<RsyncVersion, Error> {
        let ask = || async {
            let arguments = vec!["--version".to_owned()];
            let mut version = None;
            let mut is_first = true;
            let mut on_line = |line: &str| {
                if std::mem::take(&mut is_first) {
                    version = RsyncVersion::parse(line);
                }
            };
            let outcome = self.run_once("ask", work, &arguments, context, &mut on_line).await?;
            outcome.map_err(Error::from)?;
            let path = self.settings.rsync.clone();
            let version = version.ok_or(Error::RsyncTooOld { path: path.clone() })?;
            if self.settings.target.needs_escaping() && !version.escapes() {
                return Err(Error::RsyncTooOld { path });
            }
            Ok(version)
        };
        self.version.get_or_try_init(ask).await.copied()
    }

    /// Remembers the permission bits of the target directory.
    pub(super) fn see_root(&self, mode: u32) {
        let _ = self.root_mode.set(mode);
    }

    /// The permission bits of the target directory, if it was there when the store looked.
    pub(super) fn root_mode(&self) -> Option<u32> {
        self.root_mode.get().copied()
    }

    /// Warns once if no web server can read the target directory.
    pub(super) fn warn_about_root(&self, context: &Context) {
        let target = || self.settings.target.to_string();
        let warning = self.root_mode().and_then(|mode| unreadable_root(&target(), mode));
        if let Some(warning) = warning
            && !self.told_about_root.swap(true, Ordering::Relaxed)
        {
            context.emit(warning);
        }
    }
}

/// Returns true if a run with its own connection would fail in the same way.
fn is_connection_refusal(kind: RsyncFailureKind) -> bool {
    matches!(
        kind,
        RsyncFailureKind::HostKeyUnknown
            | RsyncFailureKind::HostKeyChanged
            | RsyncFailureKind::SshPermissionDenied
            | RsyncFailureKind::HostNotFound
            | RsyncFailureKind::HostUnreachable
            | RsyncFailureKind::ConnectionRefused
    )
}

fn refuses_fsync(failure: &RsyncFailure) -> bool {
    let kinds = [RsyncFailureKind::UnknownOption, RsyncFailureKind::OptionRefused];
    let names_it = |line: &ForeignText| line.contains("fsync");
    kinds.contains(&failure.kind()) && failure.last_lines().iter().any(names_it)
}
