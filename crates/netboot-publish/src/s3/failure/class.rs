//! The class of each failed request.

use netboot_core::ErrorClass;

use crate::s3::failure::S3Failure;

impl S3Failure {
    /// Tells a program what to do about the failure.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::NoSuchBucket
            | Self::InvalidKeys
            | Self::WrongRegion { .. }
            | Self::Redirected { .. }
            | Self::RequestTooLarge
            | Self::NotImplemented
            | Self::NotS3 => ErrorClass::Input,
            Self::NoSuchObject => ErrorClass::Conflict,
            Self::UnknownAccessKey
            | Self::WrongSecretKey
            | Self::ExpiredCredentials
            | Self::NoCredentials
            | Self::NoKeysGiven
            | Self::AccessDenied => ErrorClass::Denied,
            Self::ConnectionRefused
            | Self::UnknownHost
            | Self::Tls
            | Self::Interrupted
            | Self::Busy
            | Self::Corrupted => ErrorClass::Unreachable,
            Self::ClockSkew => ErrorClass::Equipment,
            Self::TimedOut => ErrorClass::TimedOut,
            Self::StorageFull => ErrorClass::StorageFull,
            Self::Unknown { .. } => ErrorClass::Failed,
        }
    }
}
