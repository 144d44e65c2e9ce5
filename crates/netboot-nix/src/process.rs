//! Runs a Nix program: both pipes drained, its whole process group ended with us.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use netboot_core::{Context, ProfileName};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::Error;
use crate::environment::Environment;
use crate::internal_json::{LogEvent, parse};
use crate::redaction::Secrets;

/// How many lines of standard error are kept for an error.
pub(crate) const LAST_LINES: usize = 20;

/// How Nix programs are run.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    pub(crate) environment: Environment,
    /// How long a program may take to end its builders, once it is asked to.
    pub(crate) grace: Duration,
    /// What no event, log or error may show.
    pub(crate) secrets: Secrets,
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
}

/// Why a program has no result.
#[derive(Debug)]
pub(crate) enum Stop {
    Cancelled,
    Failed(Error),
    /// A value or a file of a configuration that the crates' common vocabulary refuses.
    Core(netboot_core::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<netboot_core::Error> for Stop {
    fn from(error: netboot_core::Error) -> Self {
        match error {
            netboot_core::Error::Cancelled => Self::Cancelled,
            error => Self::Core(error),
        }
    }
}

impl Stop {
    /// The same as the error of a builder that failed on `profile`.
    pub(crate) fn into_core(self, profile: &ProfileName) -> netboot_core::Error {
        match self {
            Self::Cancelled => netboot_core::Error::Cancelled,
            Self::Failed(error) => netboot_core::Error::build(crate::NAME, profile, error),
            Self::Core(error) => error.of_profile(crate::NAME, profile),
        }
    }
}

impl Runner {
    /// Runs `program`, giving each line of its standard error to `on_line`. Returns when it ends;
    /// ends it when the context is cancelled or the future is dropped.
    pub(crate) async fn run(
        &self,
        program: &str,
        arguments: &[OsString],
        context: &Context,
        mut on_line: impl FnMut(&str) + Send,
    ) -> Result<Finished, Stop> {
        let mut child = Command::new(self.find(program)?)
            .args(arguments)
            .env_clear()
            .envs(self.environment.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn {
                program: program.to_owned(),
                source: source.into(),
            })?;
        let mut group = ProcessGroup::of(&child, self.grace);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());

        let read_stdout = async {
            let mut bytes = Vec::new();
            if let Some(mut stdout) = stdout {
                stdout.read_to_end(&mut bytes).await?;
            }
            Ok::<_, std::io::Error>(bytes)
        };
        let read_stderr = async {
            let Some(stderr) = stderr else { return Ok(()) };
            let mut reader = BufReader::new(stderr);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).await? > 0 {
                let text = String::from_utf8_lossy(&line);
                on_line(text.trim_end_matches(['\n', '\r']));
                line.clear();
            }
            Ok::<_, std::io::Error>(())
        };
        let work = async {
            let (stdout, stderr) = tokio::join!(read_stdout, read_stderr);
            let status = child.wait().await?;
            stderr?;
            Ok::<_, std::io::Error>(Finished { status, stdout: stdout? })
        };
        let spawn_error = |source: std::io::Error| Error::Spawn {
            program: program.to_owned(),
            source: source.into(),
        };
        let finished = tokio::select! {
            finished = work => Some(finished.map_err(spawn_error)?),
            () = context.cancellation().cancelled() => None,
        };
        if finished.is_none() {
            // Its end is waited for, so that no builder runs when the caller is told.
            group.terminate();
            if tokio::time::timeout(self.grace, child.wait()).await.is_err() {
                group.kill();
                let _ = child.wait().await;
            }
        }
        group.forget();
        finished.ok_or(Stop::Cancelled)
    }

    /// What a line of a program's log says, without secrets.
    pub(crate) fn read_line(&self, line: &str) -> Option<LogEvent> {
        let mut event = parse(line)?;
        if let LogEvent::BuildLine { line: text, .. }
        | LogEvent::Plain { line: text }
        | LogEvent::Error { message: text } = &mut event
        {
            *text = self.secrets.hide(text);
        }
        Some(event)
    }

    /// The error of a program that failed in a way that is not known.
    pub(crate) fn failure(
        &self,
        program: &str,
        arguments: &[OsString],
        status: ExitStatus,
        last_lines: &LastLines,
    ) -> Error {
        let shown = |argument: &OsString| {
            let text = String::from_utf8_lossy(argument.as_bytes());
            self.secrets.hide(&text).chars().take(200).collect()
        };
        Error::CommandFailed {
            program: program.to_owned(),
            arguments: arguments.iter().map(shown).collect(),
            status,
            last_lines: last_lines.to_vec(),
        }
    }

    /// Finds the program in the search path that it will have itself.
    fn find(&self, program: &str) -> Result<PathBuf, Error> {
        let path = self.environment.path();
        std::env::split_paths(path)
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(program))
            .find(|candidate| candidate.is_file())
            .ok_or_else(|| Error::NixMissing {
                program: program.to_owned(),
                path: path.to_string_lossy().into_owned(),
            })
    }
}

/// A process group that is ended when this is dropped.
///
/// Nix ends its builders when it gets SIGTERM; SIGKILL alone would leave them running, since they
/// have sessions of their own. So it is asked first and killed only after the grace time.
struct ProcessGroup {
    leader: Option<Pid>,
    grace: Duration,
}

impl ProcessGroup {
    fn of(child: &tokio::process::Child, grace: Duration) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { leader, grace }
    }

    fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // A group that is gone needs no signal.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// The group has ended by itself.
    fn forget(&mut self) {
        self.leader = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let Some(leader) = self.leader else { return };
        self.terminate();
        let deadline = Instant::now() + self.grace;
        // The runtime may be ending too, so a thread of its own watches the group.
        let watch = move || {
            while test_kill_process_group(leader).is_ok() {
                if Instant::now() >= deadline {
                    let _ = kill_process_group(leader, Signal::KILL);
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        };
        if std::thread::Builder::new().spawn(watch).is_err() {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// The last lines of a program's output.
#[derive(Debug, Default)]
pub(crate) struct LastLines(VecDeque<String>);

impl LastLines {
    pub(crate) fn push(&mut self, line: String) {
        if self.0.len() == LAST_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(crate) fn to_vec(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}
