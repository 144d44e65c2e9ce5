//! The errors of this crate.

mod advice;

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use foreign_text::ForeignText;
use netboot_core::{Architecture, BackendError, ErrorClass, InvalidValue, ProfileName};
use url::Url;

use crate::boot_failure::BootFailure;
use crate::guest_url::UrlProblem;
use crate::variable_store::VariableProblem;

/// The errors of this crate.
///
/// `Display` says what failed and names the thing. [`hint`](Self::hint) gives a remedy. `source`
/// gives the cause, if there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting of a machine is out of its range.
    #[error("the machine's {setting} cannot be {value}: {problem}")]
    InvalidSetting {
        /// The setting, as a noun.
        setting: &'static str,
        /// The value that was given.
        value: String,
        /// A clause that says how to correct the value.
        problem: &'static str,
    },

    /// A text does not follow the rule of its kind.
    #[error(transparent)]
    InvalidValue(#[from] InvalidValue),

    /// A guest cannot boot a URL.
    #[error("`{url}` cannot be booted: {problem}")]
    UnusableUrl {
        /// The URL, without credentials.
        url: Url,
        /// The problem with the URL.
        problem: UrlProblem,
    },

    /// QEMU is not installed, or the caller named the wrong file.
    #[error("QEMU was not found at `{program}`")]
    QemuMissing {
        /// The architecture of the machine.
        architecture: Architecture,
        /// The program that Netboot looked for.
        program: PathBuf,
    },

    /// The program that connects an isolated machine to its web server is not installed.
    #[error("`bash` was not found, which connects an isolated machine to its web server")]
    ForwarderMissing,

    /// The host of a URL has no address.
    #[error("the host `{host}` has no address")]
    UnknownHost {
        /// The host.
        host: String,
        /// The cause.
        source: io::Error,
    },

    /// The UEFI firmware is not installed, or the caller named the wrong file.
    #[error("the UEFI firmware for {architecture} was not found")]
    FirmwareMissing {
        /// The architecture of the machine.
        architecture: Architecture,
        /// The files that Netboot looked for.
        searched: Vec<PathBuf>,
    },

    /// The iPXE that boots the machine is not installed. Network cards have one only in `x86_64`
    /// machines.
    #[error("an iPXE for {architecture} was not found")]
    IpxeMissing {
        /// The architecture of the machine.
        architecture: Architecture,
        /// The files that Netboot looked for.
        searched: Vec<PathBuf>,
    },

    /// A machine with Secure Boot has no keys, so that it would run every program or none.
    #[error("the machine with Secure Boot has no variables with keys")]
    KeysMissing,

    /// A directory has no certificate for programs, so firmware with it would start none.
    #[error("`{directory}` has neither `db.esl` nor `db.crt`")]
    NoProgramKeys {
        /// The directory.
        directory: PathBuf,
    },

    /// A file with keys for the firmware cannot be read, or is no certificate.
    #[error(transparent)]
    UnusableKeys(#[from] netboot_uki::Error),

    /// Firmware is to fetch the UKI of an image that has none.
    #[error("the image of `{profile}` has no UKI, which the firmware has to fetch")]
    UkiMissing {
        /// The profile of the image.
        profile: ProfileName,
    },

    /// The firmware started something, but it did not write to the variables with its keys. So
    /// nothing shows that it had Secure Boot on, and the boot proves nothing.
    #[error(
        "the firmware `{code}` did not write to its variables, so Secure Boot may have been off"
    )]
    SecureBootUnproven {
        /// The file with the firmware's code.
        code: PathBuf,
    },

    /// A file with the firmware's variables cannot be used.
    #[error("the firmware's variables in `{path}` cannot be used: {problem}")]
    UnusableVariables {
        /// The file.
        path: PathBuf,
        /// The problem with its content.
        problem: VariableProblem,
    },

    /// The program that emulates a TPM is not installed, or the caller named the wrong file.
    #[error("swtpm was not found at `{program}`")]
    TpmMissing {
        /// The program that Netboot looked for.
        program: PathBuf,
    },

    /// The program that emulates a TPM ended before it listened.
    #[error("`{program}` made no TPM: {}", stderr.join(ForeignText::LINE_BREAK))]
    TpmFailed {
        /// The program.
        program: PathBuf,
        /// The last 20 lines of its standard error.
        stderr: Vec<ForeignText>,
    },

    /// QEMU cannot be started.
    #[error("cannot start `{program}`")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },

    /// QEMU ended with an error.
    #[error("`{program}` failed ({status}): {}", stderr.join(ForeignText::LINE_BREAK))]
    QemuFailed {
        /// The program.
        program: PathBuf,
        /// The arguments of QEMU.
        arguments: Vec<String>,
        /// The exit status of QEMU.
        status: ExitStatus,
        /// The last 20 lines of QEMU's standard error.
        stderr: Vec<ForeignText>,
    },

    /// The pipes to QEMU broke.
    #[error("lost the console of `{program}`")]
    Console {
        /// The program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },

    /// A temporary file or directory for the machine cannot be made, or a file cannot be read.
    #[error("cannot {action} `{path}`")]
    Io {
        /// The action that failed, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },

    /// A path cannot be served, because it is not a directory.
    #[error("`{path}` is not a directory that can be served")]
    DirectoryMissing {
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },

    /// A server cannot listen on a port.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// The cause.
        source: io::Error,
    },

    /// A boot did not succeed.
    /// [`BootReport::ensure_success`](crate::BootReport::ensure_success) makes this error.
    #[error("{failure}")]
    BootFailed {
        /// The stage that the machine reached, and the last lines of its console.
        failure: Box<BootFailure>,
    },

    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// Creates an [`Error::UnusableUrl`] with the URL, but without the URL's credentials.
    pub(crate) fn unusable_url(url: &Url, problem: UrlProblem) -> Self {
        let mut url = url.clone();
        // These fail for URLs that cannot have credentials, so there are none to hide.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        Self::UnusableUrl { url, problem }
    }

    /// Tells a program what to do about the error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidSetting { .. }
            | Self::InvalidValue(_)
            | Self::UnusableUrl { .. }
            | Self::KeysMissing
            | Self::NoProgramKeys { .. }
            | Self::UkiMissing { .. }
            | Self::UnusableVariables { .. }
            | Self::DirectoryMissing { .. } => ErrorClass::Input,
            Self::UnusableKeys(source) => source.class(),
            Self::UnknownHost { .. } => ErrorClass::Unreachable,
            Self::QemuMissing { .. }
            | Self::ForwarderMissing
            | Self::TpmMissing { .. }
            | Self::TpmFailed { .. }
            | Self::FirmwareMissing { .. }
            | Self::SecureBootUnproven { .. }
            | Self::IpxeMissing { .. }
            | Self::Spawn { .. }
            | Self::QemuFailed { .. }
            | Self::Bind { .. } => ErrorClass::Equipment,
            Self::Io { source, .. } => ErrorClass::of_io(source),
            Self::Console { .. } | Self::BootFailed { .. } => ErrorClass::Failed,
            Self::Cancelled => ErrorClass::Cancelled,
        }
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }

    fn class(&self) -> ErrorClass {
        Self::class(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_repeated() {
        let url = "http://user:hunter2@127.0.0.1/x".parse().unwrap();
        let error = Error::unusable_url(&url, UrlProblem::Credentials);
        let said = format!("{error} {error:?} {:?}", error.hint());
        assert!(!said.contains("hunter2") && !said.contains("user:"), "{said}");
    }
}
