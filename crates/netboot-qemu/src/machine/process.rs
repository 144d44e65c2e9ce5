//! QEMU as a child process.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::child_group::ChildGroup;
use crate::error::Error;

/// How many lines of standard error an error carries.
const LAST_LINES: usize = 20;

/// How long the standard error of a QEMU that has ended is read on.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The path of a program: as it is where it has a directory, else from the `PATH`.
pub(super) fn locate(program: &Path) -> Result<PathBuf, Error> {
    let missing = || Error::QemuMissing { program: program.to_owned() };
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned()).ok_or_else(missing);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
        .ok_or_else(missing)
}

/// A QEMU that runs. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Qemu {
    program: PathBuf,
    arguments: Vec<String>,
    group: ChildGroup,
    pub(super) keyboard: ChildStdin,
    pub(super) console: ChildStdout,
    errors: JoinHandle<Vec<String>>,
}

impl Qemu {
    pub(super) fn start(program: &Path, arguments: Vec<String>) -> Result<Self, Error> {
        let spawn_error = |source| Error::Spawn { program: program.to_owned(), source };
        let mut command = Command::new(program);
        command
            .args(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut group = ChildGroup::spawn(&mut command).map_err(spawn_error)?;
        let child = &mut group.child;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(keyboard), Some(console), Some(stderr)) = pipes else {
            return Err(spawn_error(io::ErrorKind::BrokenPipe.into()));
        };
        let errors = tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            let mut last = Vec::new();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::debug!(line, "QEMU");
                if last.len() == LAST_LINES {
                    last.remove(0);
                }
                last.push(line);
            }
            last
        });
        let program = program.to_owned();
        Ok(Self { program, arguments, group, keyboard, console, errors })
    }

    /// The program and its arguments.
    pub(super) fn command_line(&self) -> Vec<String> {
        let program = self.program.to_string_lossy().into_owned();
        std::iter::once(program).chain(self.arguments.iter().cloned()).collect()
    }

    pub(super) fn console_error(&self, source: io::Error) -> Error {
        Error::Console { program: self.program.clone(), source }
    }

    /// Ends it, and waits until it has.
    pub(super) async fn end(self) -> Result<(), Error> {
        let Self { program, group, .. } = self;
        group.end().await.map_err(|source| Error::Console { program, source })
    }

    /// Waits for the end of one that has closed its console, and fails if it failed.
    pub(super) async fn wait(&mut self) -> Result<(), Error> {
        let waited = self.group.wait().await;
        let status: ExitStatus = waited.map_err(|source| self.console_error(source))?;
        if status.success() {
            return Ok(());
        }
        // The pipe is closed with the process, unless a process that it left behind holds it.
        let stderr = timeout(LAST_WORDS, &mut self.errors).await;
        let stderr = stderr.ok().and_then(Result::ok).unwrap_or_default();
        let (program, arguments) = (self.program.clone(), self.arguments.clone());
        Err(Error::QemuFailed { program, arguments, status, stderr })
    }
}
