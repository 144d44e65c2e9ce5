//! Why the test bed cannot be set up, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// The errors of setting up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The machine is not one that the set-up knows how to prepare.
    #[error("the set-up is written for Debian, and this machine has no dpkg-query")]
    NotDebian,

    /// The machine cannot be given the test kernel by its own package sources.
    #[error("the test kernel is Debian's for amd64, and this machine is {architecture}")]
    NotAmd64 {
        /// The machine's architecture, as Rust names it.
        architecture: &'static str,
    },

    /// Packages are missing, and whoever runs the set-up may not install them.
    #[error("these packages are missing: {}", packages.join(" "))]
    MissingPackages {
        /// Their names.
        packages: Vec<String>,
    },

    /// The package lists name no kernel.
    #[error("the package lists of apt do not name a kernel behind `{metapackage}`")]
    NoKernelPackage {
        /// The package that depends on the newest kernel.
        metapackage: &'static str,
    },

    /// apt has no mirror of Debian's main archive.
    #[error("the package sources of apt name no mirror of Debian's main archive")]
    NoMirror,

    /// A package does not have what was looked for in it.
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

    /// A machine was started, and its iPXE did not come to its script.
    #[error("iPXE did not come to its script; its console:{}", indented(console))]
    SilentMachine {
        /// What it printed.
        console: String,
    },

    /// A program failed.
    #[error("`{command}` failed ({status}){}", indented(stderr))]
    Failed {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of what it wrote to standard error.
        stderr: String,
    },

    /// A file cannot be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried, as a verb.
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

    /// The kernel or busybox is not where the set-up puts it.
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

    /// What to do next, where something can be said.
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
                Some("bring the package lists up to date as root: apt-get update".to_owned())
            }
            Self::Failed { command, .. } if command.starts_with("apt-get download") => {
                Some("bring the package lists up to date as root: apt-get update".to_owned())
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
