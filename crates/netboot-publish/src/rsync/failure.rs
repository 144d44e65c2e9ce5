//! What a failed `rsync` leaves: its cause, and what is needed to look closer.

mod classify;
mod kind;

use std::fmt;
use std::io;
use std::process::ExitStatus;

pub use self::kind::RsyncFailureKind;

/// A failed `rsync`.
///
/// It carries no secret: a password goes to `rsync` in a file. The arguments name files below a
/// private directory that is deleted by now.
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
    last_lines: Vec<String>,
    source: Option<io::Error>,
}

/// What is known of every run of `rsync`, failed or not.
#[derive(Debug)]
pub(super) struct Call {
    /// What it was for: a verb and a preposition, such as `send to`.
    pub(super) action: &'static str,
    pub(super) target: String,
    pub(super) is_ssh: bool,
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

impl RsyncFailure {
    /// A run that ended badly.
    pub(super) fn ended(call: Call, status: ExitStatus, last_lines: Vec<String>) -> Self {
        let kind = classify::classify(status.code(), &last_lines);
        Self { status: Some(status), last_lines, ..Self::of(call, kind) }
    }

    /// A run that never began.
    pub(super) fn not_started(call: Call, source: io::Error) -> Self {
        Self { source: Some(source), ..Self::of(call, RsyncFailureKind::ProgramMissing) }
    }

    fn of(call: Call, kind: RsyncFailureKind) -> Self {
        let Call { action, target, is_ssh, program, arguments } = call;
        let (status, last_lines, source) = (None, Vec::new(), None);
        Self { kind, action, target, is_ssh, program, arguments, status, last_lines, source }
    }

    /// Why it failed.
    pub fn kind(&self) -> RsyncFailureKind {
        self.kind
    }

    /// The target.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The program that was run.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// How it ended; `None` if it could not be started.
    pub fn status(&self) -> Option<ExitStatus> {
        self.status
    }

    /// The last 20 lines of its standard error, which are also those of ssh and the far side.
    pub fn last_lines(&self) -> &[String] {
        &self.last_lines
    }

    /// Whether all that its lines complain of is that something, or what it would lie in, is not
    /// there.
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
                // A server that allows fewer sessions of a connection; ssh made another.
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

    /// Whether somebody else made the target's own directory just when it was to be made.
    pub(super) fn lost_a_race_for_the_directory(&self) -> bool {
        let is_lost = |line: &String| line.contains("mkdir ") && line.contains("(17)");
        self.kind == RsyncFailureKind::FileIo && self.last_lines.iter().any(is_lost)
    }

    /// Whether it ended before anything came from the far side.
    pub(super) fn received_nothing(&self) -> bool {
        self.last_lines.iter().any(|line| line.contains("(0 bytes received so far)"))
    }

    /// What to do about it, as a sentence for an operator.
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
                write!(f, "\n{line}")?;
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
