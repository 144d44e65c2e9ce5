//! The details of errors besides their messages, and constructors.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};

use foreign_text::ForeignText;

use crate::error::Error;
use crate::error::subject::Subject;
use crate::error::text_form::TextForm;

/// A value that is valid already. Functions that take a text or such a value need this conversion.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<netboot_core::InvalidValue> for Error {
    fn from(error: netboot_core::InvalidValue) -> Self {
        let netboot_core::InvalidValue { kind, value, problem, .. } = error;
        let (form, problem) = (TextForm::Value(kind), problem.to_string());
        Self::InvalidText { form, text: value, problem }
    }
}

impl Error {
    /// The log of the failed build, if there is one.
    pub fn build_log(&self) -> Option<&Path> {
        match self {
            Self::BuildFailed { build_log, .. }
            | Self::HashMismatch { build_log, .. }
            | Self::TimedOut { build_log, .. }
            | Self::UnsupportedSystem { build_log, .. }
            | Self::NoBuilder { build_log, .. } => Some(build_log),
            Self::Unsigned { build_log, .. }
            | Self::Network { build_log, .. }
            | Self::DiskFull { build_log, .. }
            | Self::PermissionDenied { build_log, .. }
            | Self::DaemonUnreachable { build_log, .. }
            | Self::Interrupted { build_log, .. }
            | Self::CommandFailed { build_log, .. } => build_log.as_deref(),
            _ => None,
        }
    }

    /// The last lines that the failed builder or program printed, at most 20.
    pub fn last_lines(&self) -> &[ForeignText] {
        match self {
            Self::BuildFailed { last_lines, .. }
            | Self::HashMismatch { last_lines, .. }
            | Self::TimedOut { last_lines, .. }
            | Self::DiskFull { last_lines, .. }
            | Self::CommandFailed { last_lines, .. } => last_lines,
            _ => &[],
        }
    }

    /// The derivation that failed, if it is known.
    pub fn derivation(&self) -> Option<&str> {
        match self {
            Self::BuildFailed { derivation, .. }
            | Self::HashMismatch { derivation, .. }
            | Self::UnsupportedSystem { derivation, .. }
            | Self::DerivationCollected { derivation } => Some(derivation),
            Self::TimedOut { derivation, .. } | Self::NoBuilder { derivation, .. } => {
                derivation.as_deref()
            }
            Self::Network { subject, .. }
            | Self::DiskFull { subject, .. }
            | Self::PermissionDenied { subject, .. }
            | Self::FeatureDisabled { subject, .. }
            | Self::Interrupted { subject, .. } => match subject {
                Subject::Derivation(path) => Some(path),
                Subject::Flake(_) | Subject::Attribute(_) => None,
            },
            _ => None,
        }
    }

    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source: source.into() }
    }

    /// This error, with the log of the build that the program worked on.
    pub(crate) fn with_build_log(mut self, log: PathBuf) -> Self {
        if let Self::CommandFailed { build_log, .. } = &mut self {
            *build_log = Some(log);
        }
        self
    }

    /// The error for a value that `netboot-core` refuses.
    pub(crate) fn unusable(attribute: String, error: &netboot_core::InvalidValue) -> Self {
        Self::UnusableValue { attribute, problem: error.to_string().into() }
    }
}
