//! QEMU as a child process.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netboot_process::{Child, Command};
use tokio::process::{ChildStdin, ChildStdout};

use crate::error::Error;

/// Returns the path of a program, if it exists. A path with a directory is returned unchanged, and
/// a name is looked up in the `PATH`.
pub(super) fn locate(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// A running QEMU. Dropping it kills QEMU.
#[derive(Debug)]
pub(super) struct Qemu {
    program: PathBuf,
    arguments: Vec<String>,
    child: Child,
    pub(super) keyboard: ChildStdin,
    pub(super) console: ChildStdout,
}

impl Qemu {
    pub(super) fn start(program: &Path, arguments: Vec<String>) -> Result<Self, Error> {
        // QEMU has nothing to save, so it gets no time to end by itself.
        let (child, pipes) = Command::new(program)
            .args(&arguments)
            .grace(Duration::ZERO)
            .on_error_line(|line| tracing::debug!(line, "QEMU"))
            .start_with_pipes()
            .map_err(|error| Error::Spawn { program: program.to_owned(), source: error.into() })?;
        let program = program.to_owned();
        Ok(Self { program, arguments, child, keyboard: pipes.input, console: pipes.output })
    }

    /// Returns the program and its arguments.
    pub(super) fn command_line(&self) -> Vec<String> {
        let program = self.program.to_string_lossy().into_owned();
        std::iter::once(program).chain(self.arguments.iter().cloned()).collect()
    }

    pub(super) fn console_error(&self, source: io::Error) -> Error {
        Error::Console { program: self.program.clone(), source }
    }

    /// Kills QEMU and waits until it has ended.
    pub(super) async fn end(self) -> Result<(), Error> {
        let Self { program, child, .. } = self;
        let ended = child.terminate(Duration::ZERO).await;
        ended.map(drop).map_err(|error| Error::Console { program, source: error.into() })
    }

    /// Waits until a QEMU that has closed its console ends, and fails if it failed.
    pub(super) async fn wait(&mut self) -> Result<(), Error> {
        let waited = self.child.wait().await;
        let status = waited.map_err(|error| self.console_error(error.into()))?;
        if status.success() {
            return Ok(());
        }
        let stderr = self.child.last_lines().into();
        let (program, arguments) = (self.program.clone(), self.arguments.clone());
        Err(Error::QemuFailed { program, arguments, status, stderr })
    }
}
