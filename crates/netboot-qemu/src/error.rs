//! What can go wrong with a boot, and what to do about it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use url::Url;

use crate::boot_failure::BootFailure;
use crate::guest_url::UrlProblem;

/// The number of the signal that nothing survives (POSIX).
const SIGKILL: i32 = 9;

/// The errors of this crate.
///
/// `Display` says what happened and to what; [`hint`](Self::hint) says what to do; `source` says
/// why, where there is a cause below.
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
        /// What is wrong with it, as a clause.
        problem: &'static str,
    },

    /// A URL that a guest cannot boot.
    #[error("`{url}` cannot be booted: {problem}")]
    UnusableUrl {
        /// The URL, without credentials.
        url: Url,
        /// What is wrong with it.
        problem: UrlProblem,
    },

    /// QEMU is not installed, or not where the caller says.
    #[error("there is no QEMU at `{program}`")]
    QemuMissing {
        /// The program that was looked for.
        program: PathBuf,
    },

    /// The UEFI firmware is not installed, or not where the caller says.
    #[error("the UEFI firmware OVMF was not found")]
    FirmwareMissing {
        /// The files that were looked for.
        searched: Vec<PathBuf>,
    },

    /// QEMU cannot be started.
    #[error("cannot start `{program}`")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// QEMU ended with an error.
    #[error("`{program}` failed ({status}): {}", stderr.join("\n"))]
    QemuFailed {
        /// The program.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
        /// How it ended.
        status: ExitStatus,
        /// The last 20 lines that it wrote to its standard error.
        stderr: Vec<String>,
    },

    /// The pipes to QEMU broke.
    #[error("lost the console of `{program}`")]
    Console {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A temporary file for the machine cannot be made.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A path to serve is no directory.
    #[error("`{path}` is not a directory that can be served")]
    DirectoryMissing {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A server finds no port.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },

    /// A machine did not come as far as it should; from
    /// [`BootReport::ensure_success`](crate::BootReport::ensure_success).
    #[error("{failure}")]
    BootFailed {
        /// How far it came, and what its console said last.
        failure: Box<BootFailure>,
    },

    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// Refuses a URL, which is told without its credentials.
    pub(crate) fn unusable_url(url: &Url, problem: UrlProblem) -> Self {
        let mut url = url.clone();
        // These fail for URLs that cannot have credentials, which then have none to hide.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        Self::UnusableUrl { url, problem }
    }

    /// What to do about it, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InvalidSetting { setting, problem, .. } => {
                format!("give the {setting} another value: {problem}")
            }
            Self::UnusableUrl { problem, .. } => problem.hint().to_owned(),
            Self::QemuMissing { .. } => {
                "install QEMU for x86_64 (Debian, Ubuntu: qemu-system-x86 and ipxe-qemu; Fedora: \
                 qemu-system-x86-core; Nix: qemu), or name it with qemu_program"
                    .to_owned()
            }
            Self::FirmwareMissing { searched } => {
                let searched: Vec<String> =
                    searched.iter().map(|path| path.display().to_string()).collect();
                format!(
                    "install OVMF (Debian, Ubuntu: ovmf; Fedora: edk2-ovmf; Nix: OVMF), or name \
                     its file with firmware_code; looked for: {}",
                    searched.join(", ")
                )
            }
            Self::QemuFailed { status, stderr, .. } => return qemu_hint(*status, stderr),
            Self::Spawn { source, .. }
            | Self::Io { source, .. }
            | Self::DirectoryMissing { source, .. } => return io_hint(source),
            Self::Bind { .. } => {
                "let this process open sockets on 127.0.0.1; a sandbox without a loopback \
                 interface, or too many open files, keeps it from it"
                    .to_owned()
            }
            Self::BootFailed { failure } => return failure.hint(),
            Self::Console { .. } | Self::Cancelled => return None,
        })
    }
}

fn qemu_hint(status: ExitStatus, stderr: &[String]) -> Option<String> {
    let said = |text: &str| stderr.iter().any(|line| line.contains(text));
    if said("romfile") || said("failed to find ROM") {
        Some("install iPXE's ROMs for QEMU's network cards (Debian, Ubuntu: ipxe-qemu)".to_owned())
    } else if said("cannot set up guest memory") || said("Cannot allocate memory") {
        Some("give the machine less memory with memory_mib".to_owned())
    } else if said("KVM") || said("kvm") {
        Some("KVM does not work here: use Accelerator::Auto or Accelerator::Tcg".to_owned())
    } else if said("'user' is not a valid netdev backend") || said("network backend 'user'") {
        Some("use a QEMU that is built with user-mode networking (libslirp)".to_owned())
    } else if status.signal() == Some(SIGKILL) {
        Some(
            "something killed it, most often the system for want of memory: give the machine less \
             with memory_mib, or boot fewer at once"
                .to_owned(),
        )
    } else {
        None
    }
}

fn io_hint(source: &io::Error) -> Option<String> {
    Some(match source.kind() {
        io::ErrorKind::NotFound => "check the spelling of the path; it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "give this user access to the path".to_owned(),
        io::ErrorKind::NotADirectory => "name the directory, not a file in it".to_owned(),
        io::ErrorKind::StorageFull => "free space for temporary files".to_owned(),
        _ => return None,
    })
}

impl netboot_core::BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
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
