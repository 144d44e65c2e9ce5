//! Errors of the test bed's set-up, with hints.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// The errors of setting up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine runs no Debian.
    #[error("the set-up is written for Debian, and this machine has no dpkg-query")]
    NotDebian,

    /// The machine's package sources have no test kernel for its architecture.
    #[error("the test kernel is Debian's for amd64, and this machine is {architecture}")]
    NotAmd64 {
        /// The machine's architecture, as Rust names it.
        architecture: &'static str,
    },

    /// Packages are missing, and the user may not install them.
    #[error("these packages are missing: {}", packages.join(" "))]
    MissingPackages {
        /// Their names.
        packages: Vec<String>,
    },

    /// The package lists name no kernel.
    #[error("apt's package lists name no kernel that `{metapackage}` depends on")]
    NoKernelPackage {
        /// The package that depends on the newest kernel.
        metapackage: &'static str,
    },

    /// apt has no mirror of Debian's main archive.
    #[error("the package sources of apt name no mirror of Debian's main archive")]
    NoMirror,

    /// A package does not contain an expected file.
    #[error("the package {package} has no file {file}")]
    UnexpectedPackage {
        /// The package.
        package: String,
        /// The file, as a pattern.
        file: &'static str,
    },

    /// A program could not be started.
    #[error("`{program}` cannot be started")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },

    /// The iPXE of a started machine did not reach its script.
    #[error("iPXE did not reach its script; its console:{}", indented(console))]
    SilentMachine {
        /// Its output.
        console: String,
    },

    /// A program failed.
    #[error("`{command}` failed ({status}){}", indented(stderr))]
    Failed {
        /// The program and its arguments.
        command: String,
        /// The way it ended.
        status: ExitStatus,
        /// The last lines of its standard error.
        stderr: String,
    },

    /// A file cannot be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// The attempted action, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A generation is not one line of text.
    #[error("{generation:?} cannot be a generation of the test flake: it must be one line")]
    InvalidGeneration {
        /// The generation.
        generation: String,
    },

    /// The kernel or busybox is missing in the test bed.
    #[error("the test bed has no `{path}`")]
    Incomplete {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    /// An error of reading or writing `path`.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// Says what to do next, if something can be done.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotDebian => Some(
                "use Debian 12, or install Nix, QEMU, iPXE's ROMs, OVMF, a static busybox, strace \
                 and util-linux yourself and name a folder with a kernel `vmlinuz` and `busybox` \
                 by NETBOOT_TESTBED"
                    .to_owned(),
            ),
            Self::NotAmd64 { .. } => Some(
                "run the tests on an amd64 machine, or name a folder with an amd64 kernel \
                 `vmlinuz` and an amd64 `busybox` by NETBOOT_TESTBED"
                    .to_owned(),
            ),
            Self::MissingPackages { packages } => Some(format!(
                "install them as root: apt-get update && apt-get install -y \
                 --no-install-recommends {}",
                packages.join(" ")
            )),
            Self::NoKernelPackage { .. } => {
                Some("update the package lists as root: apt-get update".to_owned())
            }
            Self::Failed { command, .. } if command.starts_with("apt-get download") => {
                Some("update the package lists as root: apt-get update".to_owned())
            }
            Self::NoMirror => Some(
                "give apt a source such as `deb MIRROR bookworm main`, with a mirror of yours"
                    .to_owned(),
            ),
            Self::Incomplete { .. } => Some("run `cargo xtask setup`".to_owned()),
            Self::Io { .. } => {
                Some("check that the disk has space and that the folder is yours".to_owned())
            }
            _ => None,
        }
    }
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |indented, line| indented + "\n  " + line)
}
