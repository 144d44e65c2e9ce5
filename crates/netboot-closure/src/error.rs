//! The errors of this crate.

use std::io;
use std::path::{Path, PathBuf};

use crate::index::problem::IndexProblem;
use crate::nar::problem::NarProblem;
use crate::store_path::StorePath;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is not a store path.
    #[error("{text:?} is not a store path")]
    StorePath {
        /// The text, at most 300 characters of it, with `***` in the place of the user and the
        /// password of a URL.
        text: String,
    },
    /// A text is not a SHA-256 digest.
    #[error("{text:?} is not a SHA-256 digest")]
    Digest {
        /// The text, at most 80 characters of it.
        text: String,
        /// The notation in which the digest should be.
        notation: &'static str,
    },
    /// An archive cannot be understood.
    #[error("the archive is damaged at byte {offset}: {problem}")]
    Nar {
        /// The position of the fault in bytes.
        offset: u64,
        /// The fault.
        problem: NarProblem,
    },
    /// The source of an archive cannot be read. The source may be a decompressor that found damage.
    #[error("cannot read the archive after byte {offset}")]
    ReadNar {
        /// The number of bytes that were read before.
        offset: u64,
        /// The reason.
        source: io::Error,
    },
    /// An archive cannot be written to its destination.
    #[error("cannot write the archive of {}", path.display())]
    WriteNar {
        /// The tree that the archive is made of.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file of the tree cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The operation, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file of the tree is no regular file, directory or symbolic link. Archives cannot hold it.
    #[error("{} is no regular file, directory or symbolic link", path.display())]
    SpecialFile {
        /// The file.
        path: PathBuf,
    },
    /// A file changed while it was being read.
    #[error("{} changed while it was read", path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// An index cannot be understood.
    #[error("the index is damaged in line {line}: {problem}")]
    Index {
        /// The number of the line, from 1.
        line: usize,
        /// The fault.
        problem: IndexProblem,
    },
    /// The files of a store path do not have the digest that Nix registered.
    #[error("the files of {path} are not those that Nix registered")]
    ArchiveChanged {
        /// The store path.
        path: StorePath,
    },
    /// A number is no level of compression.
    #[error("{level} is no level of compression")]
    CompressionLevel {
        /// The number.
        level: u8,
    },
    /// A file of the closure is no artifact, or a key file cannot be read.
    #[cfg(any(feature = "pack", feature = "sign"))]
    #[error(transparent)]
    Artifact(netboot_core::Error),
    /// A compressed index cannot be unpacked.
    #[cfg(feature = "pack")]
    #[error("the index cannot be unpacked")]
    CompressedIndex {
        /// The reason.
        source: io::Error,
    },
    /// The description of a store path in a binary cache was not written by this crate.
    #[error("line {line} is not one that this program writes")]
    NarInfo {
        /// The number of the line, from 1.
        line: usize,
    },
    /// A key of Nix is malformed.
    #[error("the key is malformed: {problem}")]
    NixKey {
        /// The problem, as a clause. It does not show the key.
        problem: &'static str,
    },
    /// The caller stopped the work.
    #[error("the work was stopped")]
    Cancelled,
    /// A closure has a store path twice.
    #[error("the closure has {path} twice")]
    DuplicatePath {
        /// The store path.
        path: StorePath,
    },
    /// A store path refers to another one that the closure does not have.
    #[error("{path} refers to {reference}, which the closure does not have")]
    MissingReference {
        /// The store path.
        path: StorePath,
        /// The path that it refers to.
        reference: StorePath,
    },
    /// A kernel parameter of closure boot, or its value, is malformed.
    #[error("{text:?} should be {expected}")]
    BootParameter {
        /// The text, at most 300 characters of it, with `***` in the place of the user and the
        /// password of a URL.
        text: String,
        /// The text that should stand there.
        expected: &'static str,
    },
    /// A kernel parameter of the caller's is one that Netboot writes itself.
    #[error("the kernel parameter {parameter:?} is one that Netboot writes itself")]
    ReservedParameter {
        /// The first 80 characters of the parameter.
        parameter: String,
    },
    /// The `init` program does not lie in the closure.
    #[error("{init} lies in no store path of the closure")]
    InitOutside {
        /// The program.
        init: String,
    },
}

/// Hides the user and the password of a URL in a kernel parameter, which need not be a whole URL.
/// A password may have any character, so that the last `@` ends it.
pub(crate) fn without_password(text: &str) -> String {
    let Some((before, host)) = text.rsplit_once('@') else { return text.to_owned() };
    let scheme = before.find("://").map(|at| at + 3);
    let start = scheme.or_else(|| before.find('=').map(|at| at + 1)).unwrap_or_default();
    format!("{}***@{host}", &before[..start])
}

impl Error {
    pub(crate) fn boot_parameter(text: &str, expected: &'static str) -> Self {
        let text = without_password(text).chars().take(300).collect();
        Self::BootParameter { text, expected }
    }

    pub(crate) fn digest(text: &str, notation: &'static str) -> Self {
        Self::Digest { text: text.chars().take(80).collect(), notation }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// Tells an operator what to do about the error, in a sentence.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::StorePath { .. } => {
                "give a path such as /nix/store/<digest>-<name>, without anything below it".into()
            }
            Self::Digest { notation, .. } => format!("give the digest as {notation}"),
            Self::Nar { .. } | Self::ReadNar { .. } => {
                "fetch the archive again; if it stays damaged, publish its store path again".into()
            }
            #[cfg(any(feature = "pack", feature = "sign"))]
            Self::Artifact(error) => return error.hint(),
            #[cfg(feature = "pack")]
            Self::CompressedIndex { .. } => {
                "publish the image again: its index was cut off or is damaged".into()
            }
            Self::Index { .. } => {
                "publish the image again: the index was written by another version or is damaged"
                    .into()
            }
            // `nix-store --verify` fails at a special file, and repairs nothing.
            Self::SpecialFile { path } => {
                format!("run `nix-store --repair-path {}`", path.display())
            }
            Self::FileChanged { path } => format!(
                "end the program that changes files of the store, and run `nix-store \
                 --repair-path {}`",
                path.display()
            ),
            Self::ArchiveChanged { path } => format!(
                "run `nix-store --repair-path {path}`, or `nix-store --verify --check-contents \
                 --repair` for the whole store"
            ),
            Self::BootParameter { expected, .. } => {
                format!("correct the kernel parameter: give {expected}")
            }
            Self::ReservedParameter { .. } => {
                "remove the parameter from `boot.kernelParams` and from the profile: Netboot writes \
                 the digest of the image's own index"
                    .into()
            }
            Self::NarInfo { .. } => "leave the file alone: another program wrote it".into(),
            Self::NixKey { .. } => {
                "make a key with `nix-store --generate-binary-cache-key cache.example.org-1 \
                 secret-key public-key`"
                    .into()
            }
            Self::CompressionLevel { .. } => "give a level from 1 to 19".into(),
            Self::Cancelled => return None,
            Self::DuplicatePath { .. }
            | Self::MissingReference { .. }
            | Self::InitOutside { .. } => {
                "give every path that `nix-store --query --requisites` prints, once".into()
            }
            Self::Io { source, .. } | Self::WriteNar { source, .. } => {
                return match source.kind() {
                    io::ErrorKind::StorageFull => Some("make room on the file system".into()),
                    io::ErrorKind::PermissionDenied => {
                        Some("run this as a user who may read and write there".into())
                    }
                    _ => None,
                };
            }
        })
    }
}

#[cfg(any(feature = "pack", feature = "sign"))]
impl From<netboot_core::Error> for Error {
    fn from(error: netboot_core::Error) -> Self {
        match error {
            netboot_core::Error::Cancelled => Self::Cancelled,
            error => Self::Artifact(error),
        }
    }
}

#[cfg(feature = "pack")]
impl netboot_core::BackendError for Error {
    fn hint(&self) -> Option<String> {
        self.hint()
    }

    fn class(&self) -> netboot_core::ErrorClass {
        use netboot_core::ErrorClass;
        match self {
            Self::StorePath { .. }
            | Self::Digest { .. }
            | Self::CompressionLevel { .. }
            | Self::NixKey { .. }
            | Self::DuplicatePath { .. }
            | Self::MissingReference { .. }
            | Self::BootParameter { .. }
            | Self::ReservedParameter { .. }
            | Self::InitOutside { .. } => ErrorClass::Input,
            Self::FileChanged { .. } => ErrorClass::Conflict,
            Self::Nar { .. }
            | Self::SpecialFile { .. }
            | Self::Index { .. }
            | Self::ArchiveChanged { .. }
            | Self::CompressedIndex { .. }
            | Self::NarInfo { .. } => ErrorClass::Damaged,
            Self::ReadNar { source, .. }
            | Self::WriteNar { source, .. }
            | Self::Io { source, .. } => ErrorClass::of_io(source),
            Self::Artifact(error) => error.class(),
            Self::Cancelled => ErrorClass::Cancelled,
        }
    }
}
