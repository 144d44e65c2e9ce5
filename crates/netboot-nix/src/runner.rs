//! Runs a Nix program, or git.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use netboot_core::Context;
use netboot_process::{Command, Finished, LastLines};

use crate::environment::Environment;
use crate::error::Error;
use crate::internal_json::{LogEvent, parse};
use crate::redaction::Secrets;
use crate::stop::Stop;
use crate::warnings::Warnings;

/// The longest line of Nix's log that is read, in bytes. A line is JSON and is lost if it is cut,
/// and an error with a long trace is one line, of 2 MB in practice.
const LINE_LIMIT: usize = 4 * 1024 * 1024;

/// The number of characters of an argument that an error shows.
const SHOWN_ARGUMENT: usize = 200;

/// The settings for running Nix programs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runner {
    pub(crate) environment: Environment,
    /// Programs are looked for here before the search path.
    pub(crate) program_directory: Option<PathBuf>,
    /// The time that a program gets to end its builders when it is asked to end.
    pub(crate) grace: Duration,
    pub(crate) evaluation_limits: EvaluationLimits,
    /// Texts that no event, log or error may show.
    pub(crate) secrets: Secrets,
}

/// The limits of a process that evaluates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EvaluationLimits {
    /// In bytes.
    pub(crate) memory: u64,
    pub(crate) time: Duration,
}

impl Default for EvaluationLimits {
    /// A NixOS configuration needs about 1 GiB and less than a minute. A process evaluates all
    /// profiles of a call, and a first download of nixpkgs takes some minutes.
    fn default() -> Self {
        Self { memory: 8 << 30, time: Duration::from_secs(30 * 60) }
    }
}

/// The time that an evaluation gets to end when it is asked to. It has nothing to clean up, and
/// Nix looks only rarely if it was asked: some evaluations never end by themselves.
const EVALUATION_GRACE: Duration = Duration::from_secs(1);

impl Runner {
    /// Runs `program` and gives each line of its standard error to `on_line`. Ends the program when
    /// the context is cancelled or the future is dropped.
    pub(crate) async fn run(
        &self,
        program: &str,
        arguments: &[OsString],
        context: &Context,
        on_line: impl FnMut(&str) + Send,
    ) -> Result<Finished, Stop> {
        context.check()?;
        let command = self.command(program, arguments)?.on_error_line(on_line);
        let finished = command.run(context.cancellation().cancelled()).await;
        finished.map_err(|error| stop(program, error))
    }

    /// Runs `nix` without `--log-format`, and returns its output.
    pub(crate) async fn answer(
        &self,
        arguments: &[OsString],
        context: &Context,
    ) -> Result<Vec<u8>, Stop> {
        let mut warnings = Warnings::new(None, context);
        let finished = self
            .run("nix", arguments, context, |line| {
                if let Some(event) = self.read_line(line) {
                    warnings.record(&event);
                }
            })
            .await?;
        if finished.status.success() {
            return Ok(finished.output);
        }
        Err(self.failure("nix", arguments, finished.status, &finished.last_lines).into())
    }

    /// Runs `nix` as [`run`](Self::run) does, within the limits of an evaluation. `attribute` is
    /// evaluated, or is the reference of the flake that is locked.
    pub(crate) async fn evaluate(
        &self,
        attribute: &str,
        arguments: &[OsString],
        context: &Context,
        on_line: impl FnMut(&str) + Send,
    ) -> Result<Finished, Stop> {
        context.check()?;
        let mut command = self.command("nix", arguments)?.on_error_line(on_line);
        command = command.grace(self.grace.min(EVALUATION_GRACE));
        let EvaluationLimits { memory, time } = self.evaluation_limits;
        command = command.memory_limit(memory).time_limit(time);
        let finished = command.run(context.cancellation().cancelled()).await;
        finished.map_err(|error| match error {
            netboot_process::Error::TimedOut { limit, .. } => {
                Error::EvaluationTooSlow { attribute: attribute.to_owned(), limit }.into()
            }
            error => stop("nix", error),
        })
    }

    fn command(&self, program: &str, arguments: &[OsString]) -> Result<Command<'static>, Error> {
        let command = Command::new(self.find(program)?).args(arguments);
        let command = command.env_clear().envs(self.environment.variables());
        Ok(command.grace(self.grace).line_limit(LINE_LIMIT))
    }

    /// Reads a line of a program's log and hides the secrets in it.
    pub(crate) fn read_line(&self, line: &str) -> Option<LogEvent> {
        // A text is cut when it is read, so secrets are hidden before, and after the escapes of
        // JSON are gone.
        let mut event = parse(&self.secrets.hide(line))?;
        if let LogEvent::BuildLine { line: text, .. }
        | LogEvent::Plain { line: text }
        | LogEvent::Warning { message: text }
        | LogEvent::Trace { message: text }
        | LogEvent::Error { message: text, .. } = &mut event
        {
            *text = self.secrets.hide(text).into();
        }
        Some(event)
    }

    /// The error, with the variable of the proxy that programs take for its URL.
    pub(crate) fn with_proxy(&self, mut error: Error) -> Error {
        if let Error::Network { url: Some(url), proxy, .. } = &mut error {
            *proxy = self.environment.proxy_of(url);
        }
        error
    }

    /// The error of a program that failed for an unknown reason.
    pub(crate) fn failure(
        &self,
        program: &str,
        arguments: &[OsString],
        status: ExitStatus,
        last_lines: &LastLines,
    ) -> Error {
        let shown = |argument: &OsString| {
            let text = String::from_utf8_lossy(argument.as_bytes());
            self.secrets.hide(&text).chars().take(SHOWN_ARGUMENT).collect()
        };
        Error::CommandFailed {
            program: program.to_owned(),
            arguments: arguments.iter().map(shown).collect(),
            status,
            last_lines: last_lines.iter().map(|line| self.secrets.hide(line).into()).collect(),
            build_log: None,
        }
    }

    /// Finds the program in the search path that the program itself gets.
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

/// The reason of a program that could not be run to its end.
fn stop(program: &str, error: netboot_process::Error) -> Stop {
    match error {
        netboot_process::Error::Cancelled { .. } => Stop::Cancelled,
        error => {
            let source = io::Error::from(error).into();
            Error::Spawn { program: program.to_owned(), source }.into()
        }
    }
}
