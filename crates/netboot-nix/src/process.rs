//! Runs a Nix program: both pipes drained, its whole process group ended with us.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use netboot_core::{Context, ProfileName};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::time::Instant;

use crate::Error;
use crate::environment::Environment;
use crate::guard::Guard;
use crate::internal_json::{LogEvent, parse};
use crate::process_group::ProcessGroup;
use crate::redaction::Secrets;

/// How many lines of standard error are kept for an error.
pub(crate) const LAST_LINES: usize = 20;

/// How long the output of a program that ended is still waited for.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How Nix programs are run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runner {
    pub(crate) environment: Environment,
    /// Where they are looked for before the search path.
    pub(crate) program_directory: Option<PathBuf>,
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

impl From<netboot_core::InvalidValue> for Stop {
    fn from(error: netboot_core::InvalidValue) -> Self {
        Self::Core(error.into())
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
        context.check()?;
        let failed = |source: std::io::Error| Error::Spawn {
            program: program.to_owned(),
            source: source.into(),
        };
        let program_file = self.find(program)?;
        let guard = Guard::start();
        let mut child = Command::new(program_file)
            .args(arguments)
            .env_clear()
            .envs(self.environment.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let mut group = ProcessGroup::of(&child, self.grace, guard);
        let mut bytes = Vec::new();
        let status = {
            let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
            // What is said of an end that was asked for is read and means nothing.
            let mut on_line = |line: &str| {
                if !context.cancellation().is_cancelled() {
                    on_line(line);
                }
            };
            let mut reading = pin!(async {
                tokio::try_join!(read_all(stdout, &mut bytes), read_lines(stderr, &mut on_line))
            });
            let (mut status, mut is_read) = (None, false);
            // Reading goes on while the program ends: one that cannot write does not end well.
            let (mut is_cancelled, mut deadline) = (false, None);
            while status.is_none() || !is_read {
                tokio::select! {
                    read = &mut reading, if !is_read => {
                        read.map_err(failed)?;
                        is_read = true;
                    }
                    ended = child.wait(), if status.is_none() => {
                        status = Some(ended.map_err(failed)?);
                        deadline = Some(Instant::now() + LAST_WORDS);
                    }
                    () = context.cancellation().cancelled(), if !is_cancelled => {
                        is_cancelled = true;
                        group.terminate();
                        deadline.get_or_insert(Instant::now() + self.grace);
                    }
                    () = until(deadline) => {
                        // A program that does not end, or one that it left behind and that holds
                        // the pipes, as a shared connection of ssh does.
                        group.kill();
                        if status.is_some() {
                            break;
                        }
                        deadline = None;
                    }
                }
            }
            group.forget();
            status.filter(|_| !is_cancelled)
        };
        let status = status.ok_or(Stop::Cancelled)?;
        Ok(Finished { status, stdout: bytes })
    }

    /// What a line of a program's log says, without secrets.
    pub(crate) fn read_line(&self, line: &str) -> Option<LogEvent> {
        let mut event = parse(line)?;
        if let LogEvent::BuildLine { line: text, .. }
        | LogEvent::Plain { line: text }
        | LogEvent::Warning { message: text }
        | LogEvent::Error { message: text, .. } = &mut event
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
            build_log: None,
        }
    }

    /// Finds the program in the search path that it will have itself.
    fn find(&self, program: &str) -> Result<PathBuf, Error> {
        let path = self.environment.path();
        let first = self.program_directory.iter().cloned();
        first
            .chain(std::env::split_paths(path))
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(program))
            .find(|candidate| candidate.is_file())
            .ok_or_else(|| Error::NixMissing {
                program: program.to_owned(),
                path: path.to_string_lossy().into_owned(),
            })
    }
}

async fn read_all(pipe: Option<ChildStdout>, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(bytes).await?;
    }
    Ok(())
}

async fn read_lines(
    pipe: Option<ChildStderr>,
    mut on_line: impl FnMut(&str) + Send,
) -> std::io::Result<()> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await? > 0 {
        let text = String::from_utf8_lossy(&line);
        on_line(text.trim_end_matches(['\n', '\r']));
        line.clear();
    }
    Ok(())
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The last lines of a program's output.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastLines(VecDeque<String>);

impl LastLines {
    pub(crate) fn push(&mut self, line: String) {
        if self.0.len() == LAST_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn to_vec(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}
