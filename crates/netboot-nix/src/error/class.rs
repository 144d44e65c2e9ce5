//! The class of each error: what a program does about it.

use netboot_core::ErrorClass;

use crate::error::Error;
use crate::error::git_problem::GitProblem;

impl Error {
    /// Tells a program what to do about the error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidOption { .. }
            | Self::InvalidText { .. }
            | Self::UnclearReference { .. }
            | Self::NotExtensible { .. }
            | Self::NoClosureProgram
            | Self::ClosureBootRefused { .. }
            | Self::FileTooLarge { .. }
            | Self::NoToplevel { .. }
            | Self::PolicyViolated { .. }
            | Self::FlakeNotFound { .. }
            | Self::LockFileOutdated { .. }
            | Self::FlakeUnusable { .. }
            | Self::AttributeMissing { .. }
            | Self::Evaluation { .. }
            | Self::UnusableValue { .. }
            | Self::ArchitectureMismatch { .. }
            | Self::HashMismatch { .. }
            | Self::InitrdOutOfStep { .. }
            | Self::OutputMissing { .. }
            | Self::DuplicateProfile => ErrorClass::Input,
            Self::SourceChanged { .. } | Self::DerivationCollected { .. } => ErrorClass::Conflict,
            Self::Unsigned { .. } => ErrorClass::Damaged,
            Self::Network { .. } => ErrorClass::Unreachable,
            Self::PermissionDenied { .. } => ErrorClass::Denied,
            Self::DiskFull { .. } => ErrorClass::StorageFull,
            Self::NixMissing { .. }
            | Self::Spawn { .. }
            | Self::FeatureDisabled { .. }
            | Self::UnsupportedSystem { .. }
            | Self::NoBuilder { .. }
            | Self::DaemonUnreachable { .. } => ErrorClass::Equipment,
            Self::EvaluationTooSlow { .. } | Self::TimedOut { .. } => ErrorClass::TimedOut,
            Self::CopyFailed { .. }
            | Self::EvaluationTooLarge { .. }
            | Self::BuildFailed { .. }
            | Self::Interrupted { .. }
            | Self::CommandFailed { .. }
            | Self::UnreadableOutput { .. } => ErrorClass::Failed,
            Self::Git { refusal } => class_of_git(&refusal.problem),
            Self::Io { source, .. } => ErrorClass::of_io(source),
        }
    }
}

fn class_of_git(problem: &GitProblem) -> ErrorClass {
    match problem {
        GitProblem::NotTracked { .. }
        | GitProblem::Uncommitted
        | GitProblem::MissingRevision
        | GitProblem::Submodule
        | GitProblem::LfsPointer
        | GitProblem::NoRepository => ErrorClass::Input,
        GitProblem::OtherOwner
        | GitProblem::Credentials
        | GitProblem::HostKey
        | GitProblem::BareRepository
        | GitProblem::FileProtocol => ErrorClass::Denied,
        GitProblem::UnknownUser | GitProblem::Configuration | GitProblem::ProgramMissing { .. } => {
            ErrorClass::Equipment
        }
        GitProblem::Other => ErrorClass::Failed,
    }
}
