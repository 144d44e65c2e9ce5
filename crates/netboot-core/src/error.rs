//! What can go wrong in this crate and in backends, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::architecture::Architecture;
use crate::artifact_kind::ArtifactKind;
use crate::backend_error::BackendError;
use crate::command_line::InitPath;
use crate::digest::Sha256Digest;
use crate::invalid_value::InvalidValue;
use crate::layout::ReleasePath;
use crate::name::ProfileName;
use crate::release_id::ReleaseId;

/// The errors of this crate, and those of a backend on their way through its traits.
///
/// `Display` says what happened and to what; [`hint`](Self::hint) says what to do; `source` says
/// why, where there is a cause below.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text does not follow the rule of what it was to become.
    #[error(transparent)]
    InvalidValue(#[from] InvalidValue),

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

    /// A path names a directory, a device or a socket, where a file was wanted.
    #[error("`{path}` is not a regular file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },

    /// An artifact has no bytes.
    #[error("the {kind} `{path}` is empty")]
    EmptyArtifact {
        /// What it was to be.
        kind: ArtifactKind,
        /// The file.
        path: PathBuf,
    },

    /// A file is no longer the one that was hashed.
    #[error("`{path}` was changed after it was hashed")]
    ArtifactChanged {
        /// The file.
        path: PathBuf,
    },

    /// A file is not a kernel that the architecture's machines start.
    #[error("`{path}` is not a kernel for {architecture}: {found}")]
    NotAKernel {
        /// The file.
        path: PathBuf,
        /// The architecture it was to be for.
        architecture: Architecture,
        /// What its first bytes look like, as a clause.
        found: String,
    },

    /// An initrd ends too early, or is none.
    #[error("the initrd `{path}` is damaged at byte {position}: {problem}")]
    DamagedInitrd {
        /// The file.
        path: PathBuf,
        /// Where the damage was met, in bytes from the start of the file.
        position: u64,
        /// What was met there, as a clause.
        problem: String,
    },

    /// The `init=` of an image names a path that none of its initrds holds.
    #[error("no initrd of profile `{profile}` holds its init `{init}`")]
    InitMissing {
        /// The profile.
        profile: ProfileName,
        /// The path that is missing.
        init: InitPath,
    },

    /// An image lacks a part.
    #[error("the image of profile `{profile}` has no {missing}")]
    IncompleteImage {
        /// The profile.
        profile: ProfileName,
        /// The part, as a noun.
        missing: &'static str,
    },

    /// An image has a part that does not fit its place.
    #[error("the image of profile `{profile}` has a {found} where a {expected} belongs")]
    WrongArtifactKind {
        /// The profile.
        profile: ProfileName,
        /// The kind that belongs there.
        expected: ArtifactKind,
        /// The kind that was given.
        found: ArtifactKind,
    },

    /// Two things of a release or an image claim one name.
    #[error("`{name}` is there twice")]
    Duplicate {
        /// The name.
        name: String,
    },

    /// A release without anything in it.
    #[error("a release needs at least one image")]
    EmptyRelease,

    /// A script of a release that is not on its own in its place.
    #[error("the release has no `{path}`")]
    MissingScript {
        /// Where it belongs in the release.
        path: ReleasePath,
    },

    /// An entry point does not say that it was generated.
    #[error("the entry point `{path}` lacks the line `{mark}`")]
    UnmarkedEntryPoint {
        /// Its path at the target.
        path: ReleasePath,
        /// What it has to contain.
        mark: &'static str,
    },

    /// A manifest cannot be understood.
    #[error("the manifest cannot be read")]
    MalformedManifest {
        /// Why.
        source: serde_json::Error,
    },

    /// A manifest of a version that this library does not know.
    #[error("the manifest has version {found}, and this library reads version {supported}")]
    ManifestVersion {
        /// Its version.
        found: u64,
        /// The version that this library reads and writes.
        supported: u64,
    },

    /// A manifest whose id is not the digest of its entries.
    #[error("the manifest says release {stated}, and its entries make {computed}")]
    ManifestMismatch {
        /// The id it states.
        stated: ReleaseId,
        /// The id of its entries.
        computed: ReleaseId,
    },

    /// A profile file cannot be understood.
    #[error("`{path}` does not describe profiles")]
    MalformedProfileFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A builder has nothing under this profile's name.
    #[error("there is no prebuilt image for profile `{profile}`")]
    UnknownProfile {
        /// The profile.
        profile: ProfileName,
        /// Those that there are.
        known: Vec<ProfileName>,
    },

    /// A directory holds no netboot image in a layout that is known.
    #[error("`{path}` holds no netboot image: {problem}")]
    UnrecognisedImage {
        /// The directory.
        path: PathBuf,
        /// What is missing or odd, as a clause.
        problem: String,
    },

    /// A file does not have the digest that was expected of it.
    #[error("`{path}` has the SHA-256 {found}, and {expected} was expected")]
    UnexpectedDigest {
        /// The file.
        path: PathBuf,
        /// The digest that it should have.
        expected: Sha256Digest,
        /// The digest that it has.
        found: Sha256Digest,
    },

    /// A backend could not build a profile; made by [`Error::build`].
    #[error("{builder} could not build profile `{profile}`")]
    Build {
        /// The builder's name.
        builder: String,
        /// The profile.
        profile: ProfileName,
        /// The remedy that the backend knows.
        hint: Option<String>,
        /// The backend's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// Wraps the error of the backend `builder` that failed on `profile`.
    pub fn build(
        builder: impl Into<String>,
        profile: &ProfileName,
        source: impl BackendError,
    ) -> Self {
        let hint = source.hint();
        let (builder, profile) = (builder.into(), profile.clone());
        Self::Build { builder, profile, hint, source: Box::new(source) }
    }

    /// The profile that the error belongs to, where it names one.
    pub fn profile(&self) -> Option<&ProfileName> {
        match self {
            Self::InitMissing { profile, .. }
            | Self::IncompleteImage { profile, .. }
            | Self::WrongArtifactKind { profile, .. }
            | Self::UnknownProfile { profile, .. }
            | Self::Build { profile, .. } => Some(profile),
            _ => None,
        }
    }

    /// The same error for what `builder` says of `profile`: wrapped in [`Error::Build`], unless it
    /// names a profile already or only says that the work was cancelled.
    #[must_use]
    pub fn of_profile(self, builder: impl Into<String>, profile: &ProfileName) -> Self {
        if matches!(self, Self::Cancelled) || self.profile().is_some() {
            self
        } else {
            Self::build(builder, profile, self)
        }
    }

    /// A file error: `action` is a verb, such as `read`.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source }
    }

    /// What to do about it, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InvalidValue(error) => error.kind.rule().to_owned(),
            Self::Io { source, path, .. } => io_hint(source, path),
            Self::NotAFile { .. } => "name the file itself, not the directory it is in".to_owned(),
            Self::EmptyArtifact { .. } => {
                "the build or the copy that made it broke off; make it again".to_owned()
            }
            Self::ArtifactChanged { .. } => {
                "let the build finish before its image is published, and build into a new file \
                 rather than over the old one"
                    .to_owned()
            }
            Self::NotAKernel { architecture, .. } => format!(
                "give the file that NixOS calls {}; a web server's error page saved under that \
                 name looks like this",
                architecture.kernel_file_name()
            ),
            Self::DamagedInitrd { .. } => {
                "it was cut short or altered on its way; build or copy it again, and compare its \
                 size and SHA-256 with the original's"
                    .to_owned()
            }
            Self::InitMissing { .. } => {
                "the initrd and `init=` come from different builds; take both from the same one"
                    .to_owned()
            }
            Self::IncompleteImage { missing, .. } => format!("give the image a {missing}"),
            Self::WrongArtifactKind { expected, .. } => {
                format!("open the file as a {expected}, or give it to the part it belongs to")
            }
            Self::Duplicate { .. } => "give each a name of its own".to_owned(),
            Self::EmptyRelease => {
                "build at least one profile; when every build failed, its error says why".to_owned()
            }
            Self::MissingScript { path } => {
                format!("a renderer has to write `{path}`: use the one of netboot-ipxe, or add it")
            }
            Self::UnmarkedEntryPoint { mark, .. } => {
                format!("let the renderer write the comment `{mark}` into it")
            }
            Self::MalformedManifest { .. } | Self::ManifestMismatch { .. } => {
                "it was altered after it was written; publish the release again".to_owned()
            }
            Self::ManifestVersion { .. } => {
                "use the version of Netboot that wrote it, or a later one".to_owned()
            }
            Self::MalformedProfileFile { .. } => {
                "write TOML with a `[[profile]]` table for each profile, with at least `name`"
                    .to_owned()
            }
            Self::UnknownProfile { known, .. } => {
                let known: Vec<&str> = known.iter().map(ProfileName::as_str).collect();
                format!("add its files to the builder; it knows: {}", known.join(", "))
            }
            Self::UnrecognisedImage { .. } => {
                "expected a kernel, an initrd, and either `init` with `kernel-params` or a \
                 `netboot.ipxe` that has `init=`"
                    .to_owned()
            }
            Self::UnexpectedDigest { .. } => {
                "fetch the file again; if the digest stays, it is not the file that was meant"
                    .to_owned()
            }
            Self::Build { hint, .. } => return hint.clone(),
            Self::Cancelled => return None,
        })
    }
}

fn io_hint(source: &io::Error, path: &Path) -> String {
    let path = path.display();
    match source.kind() {
        io::ErrorKind::NotFound => format!("check the spelling; `{path}` does not exist"),
        io::ErrorKind::PermissionDenied => format!("give this user access to `{path}`"),
        io::ErrorKind::StorageFull => format!("free space on the file system of `{path}`"),
        io::ErrorKind::ReadOnlyFilesystem => {
            format!("mount the file system of `{path}` writable, or choose another place")
        }
        io::ErrorKind::InvalidData => format!("write `{path}` as UTF-8 text"),
        _ => format!("try again; if it stays, look at the disk or the server that holds `{path}`"),
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }
}
