//! The class of each failed run of `rsync`.

use netboot_core::ErrorClass;

use crate::rsync::failure::kind::RsyncFailureKind;

impl RsyncFailureKind {
    /// Tells a program what to do about the failure.
    pub(crate) fn class(self) -> ErrorClass {
        match self {
            Self::Usage
            | Self::FileSelection
            | Self::UnknownModule
            | Self::DirectoryMissing
            | Self::PasswordFileReadable => ErrorClass::Input,
            Self::Vanished => ErrorClass::Conflict,
            // Somebody may pretend to be the host.
            Self::HostKeyChanged => ErrorClass::Damaged,
            Self::ModuleReadOnly
            | Self::OptionRefused
            | Self::AuthenticationFailed
            | Self::DaemonRefused
            | Self::PermissionDenied
            | Self::ReadOnlyFileSystem
            | Self::RestrictedAccount
            | Self::DeletionLimit
            | Self::HostKeyUnknown
            | Self::SshPermissionDenied => ErrorClass::Denied,
            Self::ConnectionRefused
            | Self::HostNotFound
            | Self::HostUnreachable
            | Self::Socket
            | Self::ConnectionLost
            | Self::Busy
            | Self::Stream
            | Self::Ssh => ErrorClass::Unreachable,
            Self::StorageFull => ErrorClass::StorageFull,
            Self::TimedOut | Self::ConnectionTimedOut => ErrorClass::TimedOut,
            Self::ProgramMissing | Self::SshMissing => ErrorClass::Equipment,
            Self::UnknownOption
            | Self::Protocol
            | Self::Unsupported
            | Self::FileIo
            | Self::Internal
            | Self::Interrupted
            | Self::Partial
            | Self::RemoteShell
            | Self::RsyncMissingThere
            | Self::Unknown => ErrorClass::Failed,
        }
    }
}
