//! The errors of this crate.

mod class;
mod constructors;
mod hint;
mod profile;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::advice::Advice;
use crate::architecture::Architecture;
use crate::artifact_kind::ArtifactKind;
use crate::command_line::InitPath;
use crate::digest::Sha256Digest;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::linux_version::LinuxVersion;
use crate::inspect::xz_filter::XzFilter;
use crate::invalid_value::InvalidValue;
use crate::layout::ReleasePath;
use crate::name::{FileName, ProfileName};
use crate::release_id::ReleaseId;
use crate::secret_scan::SecretFinding;

/// The errors of this crate, including the errors of backends that pass through its traits.
///
/// `Display` says what failed and names the thing. [`hint`](Self::hint) gives a remedy. `source`
/// gives the cause, if there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text does not follow the rule of its kind.
    #[error(transparent)]
    InvalidValue(#[from] InvalidValue),

    /// A file cannot be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// The action that failed, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },

    /// A path names a directory, a device or a socket instead of a file.
    #[error("`{path}` is not a regular file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },

    /// A file is larger than a file of its kind can be.
    #[error("`{path}` is too large: netboot reads at most {limit} bytes of it")]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// The maximum size in bytes.
        limit: u64,
    },

    /// A symbolic link is in a directory in which links are not followed.
    #[error("`{path}` is a symbolic link that netboot does not follow")]
    SymbolicLink {
        /// The link.
        path: PathBuf,
    },

    /// A file system did not answer in time. [`Bulkhead::run`](crate::Bulkhead::run) makes this
    /// error.
    #[error("the file system of `{path}` did not answer within {} s", .after.as_secs_f64())]
    NoAnswer {
        /// The directory.
        path: PathBuf,
        /// The time that the caller waited.
        after: Duration,
    },

    /// An artifact has no bytes.
    #[error("the {kind} `{path}` is empty")]
    EmptyArtifact {
        /// The kind that was asked for.
        kind: ArtifactKind,
        /// The file.
        path: PathBuf,
    },

    /// A file was changed after it was hashed.
    #[error("`{path}` was changed after it was hashed")]
    ArtifactChanged {
        /// The file.
        path: PathBuf,
    },

    /// A file is not a kernel for the architecture.
    #[error("`{path}` is not a kernel for {architecture}: {found}")]
    NotAKernel {
        /// The file.
        path: PathBuf,
        /// The architecture that the kernel must be for.
        architecture: Architecture,
        /// A clause that describes the file's first bytes.
        found: String,
    },

    /// An initrd ends too early, or the file is not an initrd.
    #[error("the initrd `{path}` is damaged at byte {position}: {problem}")]
    DamagedInitrd {
        /// The file.
        path: PathBuf,
        /// The position of the damage, in bytes from the start of the file.
        position: u64,
        /// A clause that describes the damage.
        problem: String,
    },

    /// An initrd has a form that no kernel unpacks.
    #[error("no kernel unpacks the initrd `{path}` beyond byte {position}: {format}")]
    UnbootableInitrd {
        /// The file.
        path: PathBuf,
        /// The position up to which the file was read, in bytes from its start.
        position: u64,
        /// The form.
        format: InitrdFormat,
    },

    /// A kernel is too old for the filter of an initrd's xz stream.
    #[error(
        "Linux {version} in `{kernel}` does not know {filter}, a filter of the initrd `{initrd}`"
    )]
    KernelTooOld {
        /// The kernel's file.
        kernel: PathBuf,
        /// The kernel's version.
        version: LinuxVersion,
        /// The initrd's file.
        initrd: PathBuf,
        /// The filter, of which [`since`](XzFilter::since) gives the first version with it.
        filter: XzFilter,
    },

    /// The `init=` of an image names a path that is in none of its initrds.
    #[error("no initrd of profile `{profile}` contains its init `{init}`")]
    InitMissing {
        /// The profile.
        profile: ProfileName,
        /// The missing path.
        init: InitPath,
    },

    /// Linux cannot start its first program from the initrds of an image.
    #[error("Linux cannot start `{program}` from the initrds of profile `{profile}`: {problem}")]
    FirstProgram {
        /// The profile.
        profile: ProfileName,
        /// The path: `/init`, or the value of `rdinit=`.
        program: InitPath,
        /// The reason, as a clause.
        problem: &'static str,
    },

    /// An image lacks a part.
    #[error("the image of profile `{profile}` has no {missing}")]
    IncompleteImage {
        /// The profile.
        profile: ProfileName,
        /// The part, as a noun.
        missing: &'static str,
    },

    /// An image was given an artifact of the wrong kind.
    #[error(
        "the image of profile `{profile}` takes an artifact of the kind `{expected}` here, not `{found}`"
    )]
    WrongArtifactKind {
        /// The profile.
        profile: ProfileName,
        /// The kind that is needed there.
        expected: ArtifactKind,
        /// The kind that was given.
        found: ArtifactKind,
    },

    /// Two parts of a release or an image have the same name.
    #[error("`{name}` appears twice")]
    Duplicate {
        /// The name.
        name: String,
    },

    /// A release has no images.
    #[error("a release needs at least one image")]
    EmptyRelease,

    /// A release lacks a script that it needs.
    #[error("the release has no `{path}`")]
    MissingScript {
        /// The path of the script within the release.
        path: ReleasePath,
    },

    /// An entry point lacks the mark of generated files.
    #[error("the entry point `{path}` lacks the line `{mark}`")]
    UnmarkedEntryPoint {
        /// The path of the entry point at the target.
        path: ReleasePath,
        /// The mark that it must contain.
        mark: &'static str,
    },

    /// An entry point for firmware is not an EFI program.
    #[error("the entry point `{path}` is not an EFI program")]
    NotAProgram {
        /// The path of the entry point at the target.
        path: ReleasePath,
    },

    /// A file of a release has a path that a publisher uses itself, or lies below such a path.
    #[error("`{path}` is reserved for netboot's own files")]
    ReservedPath {
        /// The path.
        path: ReleasePath,
    },

    /// A file of a release would also have to be a directory.
    #[error("`{file}` cannot be a file, because `{below}` lies below it")]
    FileAboveFile {
        /// The path of the file.
        file: String,
        /// The path of another file, below the first.
        below: ReleasePath,
    },

    /// The blobs of a release lack a kernel or initrd, or have it with another size.
    #[error("the file `{file}` of profile `{profile}` is not among the release's blobs")]
    UnlistedPayload {
        /// The profile.
        profile: ProfileName,
        /// The name of the file.
        file: FileName,
    },

    /// A release gives two sizes for the same digest.
    #[error("the release has two sizes for files with the SHA-256 digest {sha256}")]
    ContradictorySizes {
        /// The digest.
        sha256: Sha256Digest,
    },

    /// A release is larger than netboot supports.
    #[error("the release has {found} {what}, but {limit} are allowed")]
    ReleaseTooLarge {
        /// The things that were counted, as a plural noun.
        what: &'static str,
        /// The number in the release.
        found: u64,
        /// The limit.
        limit: u64,
    },

    /// A manifest's JSON is not in the form that netboot writes: with a key twice, for example.
    #[error("the manifest's JSON is not in the form that netboot writes")]
    ManifestForm,

    /// A manifest is not valid JSON, or lacks fields.
    #[error("the manifest cannot be read")]
    MalformedManifest {
        /// The cause.
        source: serde_json::Error,
    },

    /// A manifest has a version that this library does not read.
    #[error(
        "the manifest has version {found}, but this library reads versions {oldest} to {newest}"
    )]
    ManifestVersion {
        /// The version of the manifest.
        found: u64,
        /// The oldest version that this library reads.
        oldest: u64,
        /// The newest version that this library reads.
        newest: u64,
    },

    /// The release id in a manifest is not the id of the manifest's parts.
    #[error(
        "the manifest names release {}, but its parts make release {}",
        .stated.short(), .computed.short()
    )]
    ManifestMismatch {
        /// The id in the manifest.
        stated: ReleaseId,
        /// The id that the parts make.
        computed: ReleaseId,
    },

    /// A manifest lies where the manifest of another release should be.
    #[error(
        "it is the manifest of release {}, not of release {}", .found.short(), .expected.short()
    )]
    OtherManifest {
        /// The release that was asked for.
        expected: ReleaseId,
        /// The release that the manifest describes.
        found: ReleaseId,
    },

    /// A profile file has a syntax error or wrong fields.
    #[error("`{path}` is not a valid profile file")]
    MalformedProfileFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A builder has no image for a profile.
    #[error("there is no prebuilt image for profile `{profile}`")]
    UnknownProfile {
        /// The profile.
        profile: ProfileName,
        /// The profiles that the builder has images for.
        known: Vec<ProfileName>,
    },

    /// A directory has no netboot image in a known layout.
    #[error("`{path}` does not contain a netboot image: {problem}")]
    UnrecognisedImage {
        /// The directory.
        path: PathBuf,
        /// A clause that says what is missing or wrong.
        problem: String,
    },

    /// A file does not have the expected digest.
    #[error("`{path}` has the SHA-256 digest {found} instead of {expected}")]
    UnexpectedDigest {
        /// The file.
        path: PathBuf,
        /// The expected digest.
        expected: Sha256Digest,
        /// The digest of the file.
        found: Sha256Digest,
    },

    /// A pattern of a [`SecretPolicy`](crate::secret_scan::SecretPolicy) cannot be used.
    #[error("the pattern `{pattern}` is invalid: {problem}")]
    InvalidPattern {
        /// The glob, or the name of the rule that the pattern is for.
        pattern: String,
        /// The problem with the pattern.
        problem: String,
    },

    /// An image contains secrets that the builder's policy denies.
    #[error("the image of profile `{profile}` contains secrets: {}", joined(findings))]
    SecretsFound {
        /// The profile.
        profile: ProfileName,
        /// All findings that are denied. They do not contain the secrets.
        findings: Vec<SecretFinding>,
    },

    /// A backend could not build a profile. [`Error::build`] makes this error.
    #[error("{builder} could not build profile `{profile}`")]
    Build {
        /// The builder's name.
        builder: String,
        /// The profile.
        profile: ProfileName,
        /// The hint and the class of the backend's error.
        advice: Advice,
        /// The backend's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A backend could not list what it can build. [`Error::listing`] makes this error.
    #[error("{builder} could not list what it can build")]
    Listing {
        /// The builder's name.
        builder: String,
        /// The hint and the class of the backend's error.
        advice: Advice,
        /// The backend's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}

fn joined(findings: &[SecretFinding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
