//! The class of each failed request.

use netboot_core::ErrorClass;

use crate::oci::failure::OciFailure;

impl OciFailure {
    /// Tells a program what to do about the failure.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::CannotDelete | Self::RequestTooLarge | Self::NotARegistry => ErrorClass::Input,
            Self::ForeignArtifact { .. } => ErrorClass::Conflict,
            Self::NoCredentials
            | Self::WrongCredentials
            | Self::AccessDenied
            | Self::CredentialHelper { .. } => ErrorClass::Denied,
            Self::ConnectionRefused
            | Self::UnknownHost
            | Self::Tls
            | Self::Interrupted
            | Self::Busy
            | Self::ServerError
            | Self::Corrupted => ErrorClass::Unreachable,
            Self::TimedOut => ErrorClass::TimedOut,
            Self::StorageFull => ErrorClass::StorageFull,
            Self::Unknown { .. } => ErrorClass::Failed,
        }
    }

    /// Returns true if the same request may succeed a moment later.
    pub(in crate::oci) fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::ServerError
                | Self::ConnectionRefused
                | Self::TimedOut
                | Self::Interrupted
                | Self::Corrupted
        )
    }

    /// Returns true if the registry gave this code, and nothing else is known of the failure.
    pub(in crate::oci) fn has_code(&self, expected: &str) -> bool {
        matches!(self, Self::Unknown { code: Some(code) } if code == expected)
    }
}
