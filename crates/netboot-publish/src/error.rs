//! What can go wrong while publishing, and what to do about it.

mod constructors;
mod hint;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use netboot_core::{Content, PointerName, ProfileName, ReleaseId, ReleasePath, SiteName, counted};

use crate::finding::{Finding, first_findings};
use crate::proof::{self, FailedProof};
use crate::receipt::{Receipt, Staged};
use crate::signature::problem::SignatureProblem;

/// The errors of this crate.
///
/// `Display` says what happened and to what; [`hint`](Self::hint) says what to do; `source` says
/// why, where there is a cause below.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory to publish to, or the one that it is to be made in, does not exist.
    #[error("there is no directory `{path}`")]
    NoSuchDirectory {
        /// The directory.
        path: PathBuf,
    },

    /// Something else lies where a directory has to be.
    #[error("`{path}` is not a directory")]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },

    /// This user may not do that.
    #[error("not permitted to {action} `{path}`")]
    PermissionDenied {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The file system is mounted read-only.
    #[error("the file system of `{path}` is read-only")]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The file system or this user's quota is full.
    #[error("there is no space left for `{path}`")]
    StorageFull {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A file of the target cannot be read or written, for another reason.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// A store of the caller's own failed; made by [`Error::store`].
    #[error("cannot {action} `{path}` in {store}")]
    Store {
        /// The store.
        store: String,
        /// What was tried, as a verb.
        action: &'static str,
        /// The object.
        path: String,
        /// The remedy that the store knows.
        hint: Option<String>,
        /// The store's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// An object is too large to be a pointer, an entry point or a manifest.
    #[error("`{path}` has {size} bytes and at most {limit} are read")]
    TooLarge {
        /// The object.
        path: ReleasePath,
        /// Its size in bytes.
        size: u64,
        /// The greatest size that is read.
        limit: u64,
    },

    /// A file that no publisher wrote lies where one has to write.
    #[error("`{path}` in {store} was not written by netboot")]
    ForeignFile {
        /// The file.
        path: ReleasePath,
        /// The store it lies in.
        store: String,
    },

    /// Another publisher was faster.
    #[error(
        "pointer `{pointer}` was changed meanwhile: expected {}, found {}",
        release_or_none(.expected.as_ref()), release_or_none(.found.as_ref())
    )]
    Conflict {
        /// The pointer.
        pointer: PointerName,
        /// The release that was live when this publisher began.
        expected: Option<ReleaseId>,
        /// The release that is live now.
        found: Option<ReleaseId>,
    },

    /// A release is not at the target.
    #[error("release {release} is not staged")]
    NotStaged {
        /// The release.
        release: ReleaseId,
    },

    /// A release is at the target, but not all of it.
    #[error("release {release} is not whole: {}", first_findings(.findings))]
    NotWhole {
        /// The release.
        release: ReleaseId,
        /// What is missing or wrong.
        findings: Vec<Finding>,
    },

    /// No release was live before this one.
    #[error("pointer `{pointer}` has no earlier release to roll back to")]
    NothingToRollBackTo {
        /// The pointer.
        pointer: PointerName,
    },

    /// Bytes are not those of the artifact.
    #[error(
        "`{path}` was announced as {} with digest {}, but came as {} with digest {}",
        counted(.expected.size, "byte"), .expected.sha256,
        counted(.found.size, "byte"), .found.sha256
    )]
    DigestMismatch {
        /// Where they were to go.
        path: ReleasePath,
        /// What the artifact says of itself.
        expected: Box<Content>,
        /// What came.
        found: Box<Content>,
    },

    /// A pointer carries netboot's mark, but its history cannot be understood.
    #[error("the pointer `{path}` cannot be understood: {problem}")]
    MalformedPointer {
        /// The pointer's place.
        path: ReleasePath,
        /// What is wrong, as a clause.
        problem: String,
    },

    /// The manifest of a release at the target cannot be understood.
    #[error("the manifest of release {release} cannot be understood")]
    MalformedManifest {
        /// The release.
        release: ReleaseId,
        /// Why.
        source: Box<netboot_core::Error>,
    },

    /// Images of a staged release did not come up, so that it did not go live.
    #[error("release {release} did not come up and did not go live\n{}", proof::failures(.failures))]
    NotProven {
        /// The release.
        release: ReleaseId,
        /// Why, with the last lines of the console.
        failures: BTreeMap<ProfileName, FailedProof>,
    },

    /// No image of a release was tried, so that nothing is known of it.
    #[error("no image of release {release} was booted")]
    NothingToProve {
        /// The release.
        release: ReleaseId,
    },

    /// An image could not be tried; made by [`Error::prover`].
    #[error("release {release} could not be booted")]
    Prover {
        /// The release.
        release: ReleaseId,
        /// The remedy that the prover knows.
        hint: Option<String>,
        /// The prover's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A URL cannot be that of a target.
    #[cfg(feature = "http")]
    #[error("`{url}` is no URL to fetch releases from: {problem}")]
    InvalidPublicUrl {
        /// The URL, without its password.
        url: String,
        /// What is wrong, as a clause.
        problem: String,
    },

    /// A web server does not answer.
    #[cfg(feature = "http")]
    #[error("cannot fetch `{url}`")]
    PublicUrl {
        /// The URL, without its password.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// There are no sites to publish to.
    #[error("there are no sites to publish to")]
    NoSites,

    /// Two sites have the same name.
    #[error("there are two sites `{site}`")]
    DuplicateSite {
        /// The name.
        site: SiteName,
    },

    /// A site took longer than it may.
    #[error("it took longer than {} s", .after.as_secs_f64())]
    TimedOut {
        /// How long it may take.
        after: Duration,
    },

    /// A release is not live at every site.
    #[error("{report}")]
    NotLiveEverywhere {
        /// What became of it at each site.
        report: Box<SitesReport>,
    },

    /// A release could not be staged at every site.
    #[error("the release is not staged everywhere: {report}")]
    NotStagedEverywhere {
        /// What became of it at each site.
        report: Box<SitesReport>,
    },

    /// A release has to be signed by a trusted key, and is not.
    #[error("release {release} is not to be trusted: {problem}")]
    Signature {
        /// The release.
        release: ReleaseId,
        /// What is wrong.
        problem: SignatureProblem,
    },

    /// A key to sign or to verify with cannot be used.
    #[error("the {which} key cannot be used: {problem}")]
    MalformedKey {
        /// Which of the two: `public` or `secret`.
        which: &'static str,
        /// What is wrong, without a word of the key.
        problem: String,
    },

    /// A secret key is protected by a password, and none was given.
    #[error("the secret key is protected by a password")]
    KeyLocked,

    /// A signer of the caller's own failed; made by [`Error::signer`].
    #[error("the manifest cannot be signed")]
    Signer {
        /// The remedy that the signer knows.
        hint: Option<String>,
        /// The signer's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The old layout was asked for, and the store has no symbolic links.
    #[error("{store} has no symbolic links")]
    LinksUnsupported {
        /// The store.
        store: String,
    },

    /// An artifact cannot be read, or was changed after it was hashed.
    #[error(transparent)]
    Artifact {
        /// What is wrong with it.
        source: netboot_core::Error,
    },

    /// A text cannot be a target of `rsync`.
    #[cfg(feature = "rsync")]
    #[error("{value:?} is not a valid {part} of an rsync target: {problem}")]
    InvalidRsyncTarget {
        /// The part of the target.
        part: &'static str,
        /// The text, cut to its first 80 characters.
        value: String,
        /// What is wrong with it, as a clause.
        problem: &'static str,
    },

    /// A setting of a store that `rsync` gets to makes no sense.
    #[cfg(feature = "rsync")]
    #[error("the setting `{setting}` of an rsync store is not valid: {problem}")]
    InvalidRsyncSetting {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it, as a clause.
        problem: &'static str,
    },

    /// The `rsync` of this machine is too old, or another program of that name.
    #[cfg(feature = "rsync")]
    #[error("`{path}` is not an rsync that can be used")]
    RsyncTooOld {
        /// The program.
        path: PathBuf,
    },

    /// `rsync` failed.
    #[cfg(feature = "rsync")]
    #[error(transparent)]
    Rsync {
        /// How, and why.
        source: Box<crate::rsync::failure::RsyncFailure>,
    },

    /// A request to an S3-compatible server failed.
    #[cfg(feature = "s3")]
    #[error("cannot {action} `{url}`: {failure}")]
    S3 {
        /// What was tried, as a verb.
        action: &'static str,
        /// The object or the bucket.
        url: String,
        /// What went wrong, as far as it can be told.
        failure: crate::s3::failure::S3Failure,
        /// The client's own error, with the server's answer.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A store, or what it is asked for, was set up in a way that cannot work.
    #[cfg(feature = "s3")]
    #[error("the {setting} is not valid: {problem}")]
    InvalidSetting {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it, as a clause.
        problem: String,
    },

    /// The target's lock was lost while it was held, such as a lease that was not renewed in time.
    #[error("the lock of the target was lost, and another publisher may hold it")]
    LockLost,

    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}

// Reports of sites hold errors, and errors hold reports, so that they are defined in one file.

/// What became of a release at one site.
#[derive(Debug)]
#[non_exhaustive]
pub enum SiteOutcome {
    /// It is live.
    Live(Receipt),
    /// It is staged and whole; what was live stays, since it did not go live elsewhere.
    Staged(Staged),
    /// It was live for a moment and is not any more, since it could not go live elsewhere.
    RolledBack(Receipt),
    /// It failed here; what was live stays. It may be staged, or in part. Where it broke off while
    /// the pointer was being replaced, or behind that (the time was over, an answer was lost, links
    /// of the old layout could not be made), the release may be live nevertheless, whole; unless
    /// all or none was to go live, which undoes that.
    Failed(Error),
    /// It is live, or may be, though it is to be live nowhere: it could not be rolled back.
    NotRolledBack(Error),
}

/// What became of a release at each site. `Display` tells it, a line for each.
#[derive(Debug)]
#[non_exhaustive]
pub struct SitesReport {
    /// The release.
    pub release: ReleaseId,
    /// What became of it, by site.
    pub sites: BTreeMap<SiteName, SiteOutcome>,
}

fn release_or_none(release: Option<&ReleaseId>) -> String {
    release.map_or_else(|| "no release".to_owned(), ReleaseId::short)
}
