//! The remedies of this crate's errors.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;

use foreign_text::ForeignText;
use netboot_core::BackendError;

use crate::error::Error;
use crate::platform::Platform;
use crate::variable_store::VariableProblem;

/// The number of the signal that no process can catch (POSIX).
const SIGKILL: i32 = 9;

/// The number of the error for a process that has too many open files (Linux, `EMFILE`).
const TOO_MANY_OPEN_FILES: i32 = 24;

impl Error {
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
            Self::NoProgramKeys { .. } => {
                "put the certificate of the key that signs programs into the directory, as `db.crt` \
                 or `db.esl`"
                    .to_owned()
            }
            Self::UnusableKeys(source) => return source.hint(),
            Self::UkiMissing { .. } => {
                "make the image with a UKI, or let a machine without Secure Boot boot its script"
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
