//! A failed run of `rsync`: its cause and its details.

mod class;
mod classify;
mod kind;

use std::fmt;
use std::io;
use std::process::ExitStatus;

use foreign_text::ForeignText;
use netboot_core::ErrorClass;

pub use self::kind::RsyncFailureKind;

/// A failed run of `rsync`.
///
/// It contains no secret, because `rsync` gets a password in a file. The arguments name files in a
/// private directory, which is deleted after the run.
#[derive(Debug)]
#[non_exhaustive]
pub struct RsyncFailure {
    kind: RsyncFailureKind,
    action: &'static str,
    target: String,
    is_ssh: bool,
    program: String,
    arguments: Vec<String>,
    status: Option<ExitStatus>,
    last_lines: Vec<ForeignText>,
    source: Option<io::Error>,
}

/// The details of a run of `rsync`, failed or not.
#[derive(Debug)]
pub(super) struct Call {
    /// The purpose: a verb and a preposition, such as `send to`.
    pub(super) action: &'static str,
    pub(super) target: String,
    pub(super) is_ssh: bool,
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

impl RsyncFailure {
    /// A run that ended with a failure.
    pub(super) fn ended(call: Call, status: ExitStatus, last_lines: Vec<ForeignText>) -> Self {
        let kind = classify::classify(status.code(), &last_lines);
        Self { status: Some(status), last_lines, ..Self::of(call, kind) }
    }

    /// A run that could not start.
    pub(super) fn not_started(call: Call, source: io::Error) -> Self {
        Self { source: Some(source), ..Self::of(call, RsyncFailureKind::ProgramMissing) }
    }

    fn of(call: Call, kind: RsyncFailureKind) -> Self {
        let Call { action, target, is_ssh, program, arguments } = call;
        let (status, last_lines, source) = (None, Vec::new(), None);
        Self { kind, action, target, is_ssh, program, arguments, status, last_lines, source }
    }

    /// The cause.
    pub fn kind(&self) -> RsyncFailureKind {
        self.kind
    }

    /// The target.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The program: `rsync` or ssh.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The arguments of the program.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The exit status. `None` if the program could not be started.
    pub fn status(&self) -> Option<ExitStatus> {
        self.status
    }

    /// The last 20 lines of standard error. They include messages of ssh and of the far side.
    pub fn last_lines(&self) -> &[ForeignText] {
        &self.last_lines
    }

    /// Returns true if every line only reports that a file, or the directory above it, is missing.
    pub(super) fn only_says_missing(&self) -> bool {
        let is_missing = |line: &str| {
            let is_looked_for =
                ["link_stat", "change_dir", "rrsync error:", "chdir", "failed to stat"];
            let is_absent = ["(2)", "(20)", "No such file or directory", "Not a directory"];
            is_looked_for.iter().any(|text| line.contains(text))
                && is_absent.iter().any(|text| line.contains(text))
        };
        let is_summary = |line: &str| {
            line.starts_with("rsync error:")
                || line.contains("connection unexpectedly closed")
                || line.contains("Broken pipe")
                // The server allows fewer sessions for one connection. ssh opened another one.
                || line.starts_with("mux_client_request_session: session request failed")
                || line.starts_with("default_perms_for_dir:")
                || line.contains("read error: Connection reset")
        };
        let mut missing = false;
        self.last_lines.iter().all(|line| {
            missing |= is_missing(line);
            is_missing(line) || is_summary(line)
        }) && missing
    }

    /// Returns true if another publisher created the target directory at the same moment.
    pub(super) fn lost_race_to_create_directory(&self) -> bool {
        let is_lost = |line: &ForeignText| line.contains("mkdir ") && line.contains("(17)");
        self.kind == RsyncFailureKind::FileIo && self.last_lines.iter().any(is_lost)
    }

    /// Returns true if the run ended before any data arrived from the far side.
    pub(super) fn received_nothing(&self) -> bool {
        self.last_lines.iter().any(|line| line.contains("(0 bytes received so far)"))
    }

    /// Tells a program what to do about the failure.
    pub fn class(&self) -> ErrorClass {
        self.kind.class()
    }

    /// The remedy, as a sentence for an operator.
    pub fn hint(&self) -> String {
        self.kind.hint(self.is_ssh).to_owned()
    }
}

impl fmt::Display for RsyncFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.action, self.target, self.kind)?;
        if let Some(status) = self.status {
            write!(f, " (`{}` ended with {status}", self.program)?;
            for line in &self.last_lines {
                write!(f, "{}{line}", ForeignText::LINE_BREAK)?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl std::error::Error for RsyncFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
