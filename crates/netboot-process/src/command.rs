//! The description of a program to run.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::environment::is_inherited;
use crate::error::Error;
use crate::group::ProcessGroup;
use crate::guard::Guard;
use crate::lines::{LINE_LIMIT, OnLine};

/// A program, its arguments, and how it is run and ended.
///
/// The methods that describe the process have the names of [`std::process::Command`]. A program
/// without a directory in its name is searched in the `PATH` of the caller.
///
/// The program inherits only the variables for which [`is_inherited`](crate::is_inherited) is true,
/// so that it gets none of the caller's tokens, passwords and keys. Name every other variable with
/// [`env`](Self::env) or [`env_inherit`](Self::env_inherit).
#[must_use = "a command does nothing until it is run or started"]
pub struct Command<'a> {
    pub(crate) program: PathBuf,
    arguments: Vec<OsString>,
    directory: Option<PathBuf>,
    environment: Vec<EnvironmentChange>,
    pub(crate) grace: Duration,
    pub(crate) line_limit: usize,
    pub(crate) output_limit: usize,
    pub(crate) time_limit: Option<Duration>,
    memory_limit: Option<u64>,
    pub(crate) on_output_line: Option<OnLine<'a>>,
    pub(crate) on_error_line: Option<OnLine<'a>>,
}

enum EnvironmentChange {
    Clear,
    Inherit(OsString),
    Set(OsString, OsString),
}

impl<'a> Command<'a> {
    /// The grace time of a command that sets none.
    pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);

    /// The output limit of a command that sets none, in bytes.
    pub const DEFAULT_OUTPUT_LIMIT: usize = 64 * 1024 * 1024;

    /// A command that runs `program`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            directory: None,
            environment: Vec::new(),
            grace: Self::DEFAULT_GRACE,
            line_limit: LINE_LIMIT,
            output_limit: Self::DEFAULT_OUTPUT_LIMIT,
            time_limit: None,
            memory_limit: None,
            on_output_line: None,
            on_error_line: None,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Runs the program in this directory. Give an absolute path to the program then.
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Removes all variables of the environment, including those that were set before.
    pub fn env_clear(mut self) -> Self {
        self.environment.push(EnvironmentChange::Clear);
        self
    }

    /// Passes on the caller's variable `name`, if it is set.
    pub fn env_inherit(mut self, name: impl Into<OsString>) -> Self {
        self.environment.push(EnvironmentChange::Inherit(name.into()));
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push(EnvironmentChange::Set(name.into(), value.into()));
        self
    }

    /// Sets variables of the environment.
    pub fn envs(
        self,
        variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Self {
        variables.into_iter().fold(self, |command, (name, value)| command.env(name, value))
    }

    /// The time between SIGTERM and SIGKILL when the program is ended early. With a grace time of
    /// zero the program gets SIGKILL at once.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The longest line that is kept, in bytes: 16 KiB unless this is called. The rest of a longer
    /// line is dropped, and a [`CutMark`](foreign_text::CutMark) takes its place.
    pub fn line_limit(mut self, bytes: usize) -> Self {
        self.line_limit = bytes;
        self
    }

    /// The most bytes of standard output that [`run`](Self::run) collects:
    /// [`DEFAULT_OUTPUT_LIMIT`](Self::DEFAULT_OUTPUT_LIMIT) unless this is called. A program that
    /// prints more is ended.
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// The time after which [`run`](Self::run) ends the program. None unless this is called.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// The most memory that the program may allocate, in bytes, and each program that it starts:
    /// `RLIMIT_DATA` (setrlimit(2)). An allocation beyond the limit fails in the program. None
    /// unless this is called.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Gives each line of standard output to `on_line`, instead of collecting the bytes.
    ///
    /// A newline, a carriage return or both end a line. Lines come as they are, with escape
    /// sequences. `on_line` is not called after the run was cancelled.
    pub fn on_output_line(mut self, on_line: impl FnMut(&str) + Send + 'a) -> Self {
        self.on_output_line = Some(Box::new(on_line));
        self
    }

    /// Gives each line of standard error to `on_line`, as [`on_output_line`](Self::on_output_line)
    /// does. The last lines are also kept.
    pub fn on_error_line(mut self, on_line: impl FnMut(&str) + Send + 'a) -> Self {
        self.on_error_line = Some(Box::new(on_line));
        self
    }

    /// Starts the program in a process group of its own. Its standard error is a pipe.
    pub(crate) fn spawn(
        &self,
        input: Stdio,
        output: Stdio,
    ) -> Result<(tokio::process::Child, ProcessGroup), Error> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        command.envs(std::env::vars_os().filter(|(name, _)| is_inherited(name)));
        for change in &self.environment {
            match change {
                EnvironmentChange::Clear => command.env_clear(),
                EnvironmentChange::Set(name, value) => command.env(name, value),
                EnvironmentChange::Inherit(name) => {
                    let value = std::env::var_os(name);
                    value.iter().fold(&mut command, |command, value| command.env(name, value))
                }
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let guard = Guard::start();
        let child = command
            .stdin(input)
            .stdout(output)
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Start { program: self.program.clone(), source })?;
        let group = ProcessGroup::of(&child, self.grace, guard);
        self.limit_memory(&child)
            .map_err(|source| Error::Start { program: self.program.clone(), source })?;
        Ok((child, group))
    }

    /// Limits the memory of a program that has just started and has allocated little.
    fn limit_memory(&self, child: &tokio::process::Child) -> io::Result<()> {
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (Some(bytes), Some(pid)) = (self.memory_limit, pid) else { return Ok(()) };
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        match prlimit(Some(pid), Resource::Data, limit) {
            // The program has ended already.
            Err(rustix::io::Errno::SRCH) => Ok(()),
            limited => Ok(limited.map(drop)?),
        }
    }
}

/// Only the program is shown, because arguments and variables may hold secrets.
impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.program)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
