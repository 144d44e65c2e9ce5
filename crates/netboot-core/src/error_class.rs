//! The class of an error: what a program does about it.

use std::fmt;
use std::io;

/// Tells a program what to do about an error, whatever the crate and the backend.
///
/// [`Report::class`](crate::Report::class) and [`BackendError::class`](crate::BackendError::class)
/// give it. A service decides by it whether to try again, whom to ask, and what to answer:
///
/// ```
/// use netboot_core::{ErrorClass, ProfileName, Report};
///
/// fn status(report: &Report) -> u16 {
///     match report.class() {
///         ErrorClass::Input => 400,
///         ErrorClass::Conflict => 409,
///         ErrorClass::Unreachable => 503,
///         ErrorClass::TimedOut => 504,
///         _ => 500,
///     }
/// }
///
/// assert_eq!(status(&ProfileName::new("Worker").unwrap_err().into()), 400);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorClass {
    /// A value, a file or a configuration of the caller is wrong, or names what is not there. Show
    /// the error and its hint to the caller: the same request fails again.
    Input,
    /// Something changed meanwhile, at the target or in a file. Look at the state as it is now, and
    /// try again if the request still makes sense.
    Conflict,
    /// The target, or another source, has something that is damaged, untrusted or not Netboot's.
    /// Do not try again: an operator has to look.
    Damaged,
    /// A server does not answer, refuses the connection, or loses it. Try again later.
    Unreachable,
    /// A user, a key or an account may not do this. Try again after an operator has permitted it.
    Denied,
    /// There is no space left, at the target or on this machine. Prune or free space, and try
    /// again.
    StorageFull,
    /// This machine lacks a program, a device or a resource. Try again on a machine that has it, or
    /// after an operator has installed it.
    Equipment,
    /// The work took longer than it may. It may have had its effect: a release can be live. Look
    /// first, and then try again with more time.
    TimedOut,
    /// The program cancelled the work. Report no failure.
    Cancelled,
    /// The work itself failed, such as a build or a boot, or the cause is unknown. Show the error
    /// to a person.
    Failed,
}

impl ErrorClass {
    /// All classes.
    pub const ALL: [Self; 10] = [
        Self::Input,
        Self::Conflict,
        Self::Damaged,
        Self::Unreachable,
        Self::Denied,
        Self::StorageFull,
        Self::Equipment,
        Self::TimedOut,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The name for logs and metrics, such as `storage-full`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Conflict => "conflict",
            Self::Damaged => "damaged",
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::StorageFull => "storage-full",
            Self::Equipment => "equipment",
            Self::TimedOut => "timed-out",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// The class of a failed operation on a file or a connection.
    pub fn of_io(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => Self::StorageFull,
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::Denied,
            Kind::TimedOut => Self::TimedOut,
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown => Self::Unreachable,
            Kind::NotFound
            | Kind::NotADirectory
            | Kind::IsADirectory
            | Kind::AlreadyExists
            | Kind::AddrInUse
            | Kind::AddrNotAvailable
            | Kind::InvalidInput
            | Kind::InvalidData => Self::Input,
            Kind::OutOfMemory => Self::Equipment,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
