//! The class of each error: what a program does about it.

use std::io;

use netboot_core::ErrorClass;

use crate::error::{Error, SitesReport};

impl Error {
    /// Tells a program what to do about the error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NoSuchDirectory { .. }
            | Self::NotADirectory { .. }
            | Self::NotStaged { .. }
            | Self::NothingToRollBackTo { .. }
            | Self::DifferentEarlierReleases { .. }
            | Self::NoPointerSigner { .. }
            | Self::LessProtection { .. }
            | Self::NothingToProve { .. }
            | Self::NoSites
            | Self::DuplicateSite { .. }
            | Self::InvalidValue(_)
            | Self::MalformedKey { .. }
            | Self::ClosureIndex { .. }
            | Self::InvalidTrustedKeys { .. }
            | Self::KeyLocked
            | Self::LinksUnsupported { .. } => ErrorClass::Input,
            Self::Conflict { .. }
            | Self::LockLost
            | Self::StaleListing { .. }
            | Self::DigestMismatch { .. } => ErrorClass::Conflict,
            Self::TooLarge { .. }
            | Self::ForeignFile { .. }
            | Self::NotWhole { .. }
            | Self::MalformedPointer { .. }
            | Self::UntrustedPointer { .. }
            | Self::MalformedManifest { .. }
            | Self::Signature { .. } => ErrorClass::Damaged,
            Self::PermissionDenied { .. } | Self::ReadOnly { .. } => ErrorClass::Denied,
            Self::StorageFull { .. } => ErrorClass::StorageFull,
            Self::TimedOut { .. } => ErrorClass::TimedOut,
            Self::NotProven { .. } => ErrorClass::Failed,
            Self::Cancelled => ErrorClass::Cancelled,
            // The file was there before: somebody deleted it.
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                ErrorClass::Conflict
            }
            Self::Io { source, .. } => ErrorClass::of_io(source),
            Self::Store { advice, .. }
            | Self::Prover { advice, .. }
            | Self::Signer { advice, .. } => advice.class,
            Self::Target { .. } if self.is_no_object() => ErrorClass::Damaged,
            Self::Target(source) | Self::Artifact(source) => source.class(),
            Self::NotLiveEverywhere(report) | Self::NotStagedEverywhere(report) => {
                class_of_sites(report)
            }
            #[cfg(feature = "http")]
            Self::InvalidPublicUrl { .. } => ErrorClass::Input,
            #[cfg(feature = "http")]
            Self::PublicUrl { .. } => ErrorClass::Unreachable,
            #[cfg(feature = "rsync")]
            Self::InvalidRsyncTarget { .. } => ErrorClass::Input,
            #[cfg(feature = "rsync")]
            Self::RsyncTooOld { .. } => ErrorClass::Equipment,
            #[cfg(feature = "rsync")]
            Self::Rsync { source } => source.class(),
            #[cfg(feature = "s3")]
            Self::S3 { failure, .. } => failure.class(),
            #[cfg(feature = "oci")]
            Self::Oci(error) => error.failure.class(),
            #[cfg(any(feature = "oci", feature = "rsync", feature = "s3"))]
            Self::InvalidSetting { .. } => ErrorClass::Input,
        }
    }
}

/// Returns the class that all failed sites have, or that the work failed.
fn class_of_sites(report: &SitesReport) -> ErrorClass {
    let mut classes = report.errors().map(|(_, error)| error.class());
    let first = classes.next().unwrap_or(ErrorClass::Failed);
    if classes.all(|class| class == first) { first } else { ErrorClass::Failed }
}
