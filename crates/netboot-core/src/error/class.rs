//! The classes of this crate's errors.

use crate::error::Error;
use crate::error_class::ErrorClass;

impl Error {
    /// Tells a program what to do about the error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidValue(_)
            | Self::NotAFile { .. }
            | Self::FileTooLarge { .. }
            | Self::SymbolicLink { .. }
            | Self::EmptyArtifact { .. }
            | Self::NotAKernel { .. }
            | Self::DamagedInitrd { .. }
            | Self::UnbootableInitrd { .. }
            | Self::KernelTooOld { .. }
            | Self::InitMissing { .. }
            | Self::FirstProgram { .. }
            | Self::IncompleteImage { .. }
            | Self::WrongArtifactKind { .. }
            | Self::Duplicate { .. }
            | Self::EmptyRelease
            | Self::MissingScript { .. }
            | Self::UnmarkedEntryPoint { .. }
            | Self::NotAProgram { .. }
            | Self::ReservedPath { .. }
            | Self::FileAboveFile { .. }
            | Self::ReleaseTooLarge { .. }
            | Self::MalformedProfileFile { .. }
            | Self::UnknownProfile { .. }
            | Self::UnrecognisedImage { .. }
            | Self::UnexpectedDigest { .. }
            | Self::InvalidPattern { .. }
            | Self::SecretsFound { .. } => ErrorClass::Input,
            Self::ArtifactChanged { .. } => ErrorClass::Conflict,
            Self::UnlistedPayload { .. }
            | Self::ContradictorySizes { .. }
            | Self::ManifestForm
            | Self::MalformedManifest { .. }
            | Self::ManifestVersion { .. }
            | Self::ManifestMismatch { .. }
            | Self::OtherManifest { .. } => ErrorClass::Damaged,
            Self::NoAnswer { .. } => ErrorClass::TimedOut,
            Self::Io { source, .. } => ErrorClass::of_io(source),
            Self::Build { advice, .. } | Self::Listing { advice, .. } => advice.class,
            Self::Cancelled => ErrorClass::Cancelled,
        }
    }
}
