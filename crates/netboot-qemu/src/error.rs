//! The errors of this crate.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use foreign_text::ForeignText;
use netboot_core::{Architecture, ErrorClass, InvalidValue};
use url::Url;

use crate::boot_failure::BootFailure;
use crate::guest_url::UrlProblem;
use crate::platform::Platform;
use crate::variable_store::VariableProblem;

/// The number of the signal that no process can catch (POSIX).
const SIGKILL: i32 = 9;

/// The number of the error for a process that has too many open files (Linux, `EMFILE`).
const TOO_MANY_OPEN_FILES: i32 = 24;

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
            | Self::UnusableVariables { .. }
            | Self::DirectoryMissing { .. } => ErrorClass::Input,
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

    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InvalidSetting { setting, problem, .. } => {
                format!("change the {setting}: {problem}")
            }
            Self::InvalidValue(error) => error.kind.rule().to_owned(),
            Self::UnusableUrl { problem, .. } => problem.hint().to_owned(),
            Self::QemuMissing { architecture, .. } => format!(
                "install QEMU for {architecture} ({}), or give its path with qemu_program",
                Platform::of(*architecture)?.program_packages
            ),
            Self::ForwarderMissing => "install bash and put it into the PATH, or give the machine \
                 NetworkAccess::Unrestricted"
                .to_owned(),
            Self::UnknownHost { .. } => {
                "correct the host name of the URL, or use the server's IP address".to_owned()
            }
            Self::FirmwareMissing { architecture, searched } => format!(
                "install {}, or give its path with firmware_code; Netboot looked for: {}",
                Platform::of(*architecture)?.firmware_packages,
                listed(searched)
            ),
            Self::IpxeMissing { architecture, searched } => format!(
                "install an iPXE for {architecture} that UEFI can start ({}), or give its path \
                 with ipxe; Netboot looked for: {}",
                Platform::of(*architecture)?.ipxe_packages,
                listed(searched)
            ),
            Self::TpmMissing { .. } => {
                "install swtpm (Debian, Ubuntu, Fedora, Nix: swtpm), or give its path with tpm"
                    .to_owned()
            }
            Self::TpmFailed { .. } => {
                "read the lines of swtpm, and check that the path given with tpm is that of swtpm"
                    .to_owned()
            }
            Self::SecureBootUnproven { .. } => {
                "give the firmware's build for Secure Boot with firmware_code, such as \
                 /usr/share/OVMF/OVMF_CODE_4M.secboot.fd: other builds cannot write to the \
                 protected variables, and may start every program"
                    .to_owned()
            }
            Self::KeysMissing => VariableProblem::NoPlatformKey.hint().to_owned(),
            Self::UnusableVariables { problem, .. } => problem.hint().to_owned(),
            Self::QemuFailed { status, stderr, .. } => return qemu_hint(*status, stderr),
            Self::Spawn { source, .. }
            | Self::Io { source, .. }
            | Self::DirectoryMissing { source, .. } => return io_hint(source),
            Self::Bind { source, .. } => return bind_hint(source),
            Self::BootFailed { failure } => return failure.hint(),
            Self::Console { .. } | Self::Cancelled => return None,
        })
    }
}

fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}

fn qemu_hint(status: ExitStatus, stderr: &[ForeignText]) -> Option<String> {
    let said = |text: &str| stderr.iter().any(|line| line.contains(text));
    if said("romfile") || said("failed to find ROM") {
        Some("install iPXE's ROMs for QEMU's network cards (Debian, Ubuntu: ipxe-qemu)".to_owned())
    } else if said("cannot set up guest memory") || said("Cannot allocate memory") {
        Some("reduce the memory of the machine with memory_mib".to_owned())
    } else if said("KVM") || said("kvm") {
        Some(
            "use Accelerator::Auto or Accelerator::Tcg: KVM does not work on this machine"
                .to_owned(),
        )
    } else if said("'user' is not a valid netdev backend") || said("network backend 'user'") {
        Some("install a QEMU with user-mode networking (libslirp)".to_owned())
    } else if status.signal() == Some(SIGKILL) {
        Some(
            "reduce the memory of the machine with memory_mib, or boot fewer machines at once: QEMU \
             was killed, most often because the system had too little memory"
                .to_owned(),
        )
    } else {
        None
    }
}

fn bind_hint(source: &io::Error) -> Option<String> {
    Some(match source.kind() {
        io::ErrorKind::PermissionDenied => {
            "allow this process to open sockets on 127.0.0.1: its sandbox forbids it".to_owned()
        }
        io::ErrorKind::AddrInUse => {
            "end other servers on 127.0.0.1: all of its ports are in use".to_owned()
        }
        _ if source.raw_os_error() == Some(TOO_MANY_OPEN_FILES) => {
            "raise the limit of open files (`ulimit -n`), or run fewer servers at once: this \
             process has opened as many as it may"
                .to_owned()
        }
        _ => return None,
    })
}

fn io_hint(source: &io::Error) -> Option<String> {
    Some(match source.kind() {
        io::ErrorKind::NotFound => "check the spelling of the path: it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "give this user access to the path".to_owned(),
        io::ErrorKind::NotADirectory => {
            "give the path of the directory, not of a file in it".to_owned()
        }
        io::ErrorKind::StorageFull => "free space for temporary files".to_owned(),
        _ => return None,
    })
}

impl netboot_core::BackendError for Error {
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
