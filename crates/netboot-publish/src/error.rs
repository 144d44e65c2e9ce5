//! The errors of publishing, and the reports of sites, which hold errors and are held by them.

mod class;
pub(crate) mod constructors;
mod hint;

use netboot_core::{Advice, Content, PointerName, ProfileName, ReleaseId, ReleasePath, SiteName};
use std::{collections::BTreeMap, io, path::PathBuf, time::Duration};

use crate::finding::{Finding, by_site, bytes_of, first_findings, release_or_none};
use crate::pointer::{loss::PointerLoss, problem::PointerProblem};
use crate::proof::{FailedProof, show_failures};
use crate::receipt::{Receipt, Staged};
use crate::signature::problem::SignatureProblem;

/// The errors of this crate.
///
/// `Display` says what failed; [`hint`](Self::hint) says what to do; `source` has the cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory to publish to, or its parent, does not exist.
    #[error("there is no directory `{path}`")]
    NoSuchDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A path of a directory leads to something else.
    #[error("`{path}` is not a directory")]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// The user lacks a permission.
    #[error("not permitted to {action} `{path}`")]
    PermissionDenied {
        /// The failed action, as a verb.
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
    /// A file of the target cannot be read or written for another reason.
    #[error("cannot {action} `{path}`")]
    Io {
        /// The failed action, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A store of the caller failed. Made by [`Error::store`].
    #[error("cannot {action} `{path}` in {store}")]
    Store {
        /// The store.
        store: String,
        /// The failed action, as a verb.
        action: &'static str,
        /// The object.
        path: String,
        /// The remedy and the class, as far as the store knows them.
        advice: Advice,
        /// The store's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An object is too large to be a pointer, an entry point or a manifest.
    #[error("`{path}` is too large: it has {size} bytes, and netboot reads at most {limit}")]
    TooLarge {
        /// The object.
        path: ReleasePath,
        /// Its size in bytes.
        size: u64,
        /// The maximum size in bytes.
        limit: u64,
    },
    /// A file that netboot did not write is in the place of one of its files.
    #[error("`{path}` in {store} was not written by netboot")]
    ForeignFile {
        /// The file.
        path: ReleasePath,
        /// The store.
        store: String,
    },
    /// A listing of the target left out an object that is there.
    #[error("the listing of {store} is stale or cut: it left out `{path}`, which is there")]
    StaleListing {
        /// The object.
        path: ReleasePath,
        /// The store.
        store: String,
    },
    /// Another publisher changed the pointer first.
    #[error("pointer `{pointer}` was changed meanwhile: expected {}, found {}",
        release_or_none(.expected.as_ref()), release_or_none(.found.as_ref()))]
    Conflict {
        /// The pointer.
        pointer: PointerName,
        /// The release that was live when this publisher began.
        expected: Option<ReleaseId>,
        /// The release that is live now.
        found: Option<ReleaseId>,
    },
    /// A release is not at the target.
    #[error("release {} is not staged", .release.short())]
    NotStaged {
        /// The release.
        release: ReleaseId,
    },
    /// The target has only parts of a release, or damaged parts.
    #[error("release {} is not whole: {}", .release.short(), first_findings(.findings))]
    NotWhole {
        /// The release.
        release: ReleaseId,
        /// The missing and damaged objects.
        findings: Vec<Finding>,
    },
    /// No release was live before this one.
    #[error("pointer `{pointer}` has no earlier release to roll back to")]
    NothingToRollBackTo {
        /// The pointer.
        pointer: PointerName,
    },
    /// The earlier releases of the sites differ, so that no release is the one before.
    #[error("the targets have no common earlier release to roll back to: {}", by_site(earlier))]
    DifferentEarlierReleases {
        /// The release that was live before the live one, by site.
        earlier: BTreeMap<SiteName, Option<ReleaseId>>,
    },
    /// An artifact has other bytes than it announced.
    #[error("`{path}` was announced as {}, but came as {}", bytes_of(.expected), bytes_of(.found))]
    DigestMismatch {
        /// The path to write to.
        path: ReleasePath,
        /// The content that the artifact announced.
        expected: Box<Content>,
        /// The content that it had.
        found: Box<Content>,
    },
    /// A pointer has netboot's mark, but its history cannot be understood.
    #[error("the pointer `{path}` cannot be understood: {problem}")]
    MalformedPointer {
        /// The path of the pointer.
        path: ReleasePath,
        /// The problem, as a clause.
        problem: String,
    },
    /// A pointer lacks a valid signature of a trusted key, or is not the newest one.
    #[error("the pointer `{path}` is not trusted: {problem}")]
    UntrustedPointer {
        /// The path of the pointer.
        path: ReleasePath,
        /// The problem.
        problem: PointerProblem,
    },
    /// The publisher cannot write a pointer: none of its signers has a key that it trusts.
    #[error("pointer `{pointer}` would not be trusted: no signer has a trusted key")]
    NoPointerSigner {
        /// The pointer.
        pointer: PointerName,
    },
    /// The new pointer would have less protection than the one that it would replace.
    #[error("pointer `{pointer}` {loss}")]
    LessProtection {
        /// The pointer.
        pointer: PointerName,
        /// The protection that it would lose.
        loss: PointerLoss,
    },
    /// The manifest of a release at the target cannot be understood.
    #[error("the manifest of release {} cannot be understood", .release.short())]
    MalformedManifest {
        /// The release.
        release: ReleaseId,
        /// Why.
        source: Box<netboot_core::Error>,
    },
    /// Images of a staged release did not come up, so the release did not go live.
    #[error("release {} did not come up and did not go live\n{}",
        .release.short(), show_failures(.failures))]
    NotProven {
        /// The release.
        release: ReleaseId,
        /// The failures, by profile.
        failures: BTreeMap<ProfileName, FailedProof>,
    },
    /// The prover tried no image of a release.
    #[error("no image of release {} was booted", .release.short())]
    NothingToProve {
        /// The release.
        release: ReleaseId,
    },
    /// The prover could not try an image. Made by [`Error::prover`].
    #[error("release {} could not be booted", .release.short())]
    Prover {
        /// The release.
        release: ReleaseId,
        /// The remedy and the class, as far as the prover knows them.
        advice: Advice,
        /// The prover's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A URL is not valid as the URL of a target.
    #[cfg(feature = "http")]
    #[error("`{url}` is not a URL to fetch releases from: {problem}")]
    InvalidPublicUrl {
        /// The URL, without its password.
        url: String,
        /// The problem, as a clause.
        problem: String,
    },
    /// A web server did not answer.
    #[cfg(feature = "http")]
    #[error("cannot fetch `{url}`")]
    PublicUrl {
        /// The URL, without its password.
        url: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There are no sites to publish to.
    #[error("there are no targets to publish to")]
    NoSites,
    /// Two sites have the same name.
    #[error("two targets are named `{site}`")]
    DuplicateSite {
        /// The name.
        site: SiteName,
    },
    /// The work at a target took longer than it may. A release may be live nevertheless.
    #[error("the target took longer than {} s", .after.as_secs_f64())]
    TimedOut {
        /// The time limit.
        after: Duration,
    },
    /// A release is not live at every site.
    #[error("{0}")]
    NotLiveEverywhere(Box<SitesReport>),
    /// A release could not be staged at every site.
    #[error("{0}")]
    NotStagedEverywhere(Box<SitesReport>),
    /// A release lacks a valid signature of a trusted key.
    #[error("release {} is not trusted: {problem}", .release.short())]
    Signature {
        /// The release.
        release: ReleaseId,
        /// The problem.
        problem: SignatureProblem,
    },
    /// A key for signing or verification cannot be used.
    #[error("the {which} key cannot be used: {problem}")]
    MalformedKey {
        /// `public` or `secret`.
        which: &'static str,
        /// The problem, without any part of the key.
        problem: String,
    },
    /// The index of a closure cannot become a binary cache.
    #[error("the index of the closure of `{profile}`: {problem}")]
    ClosureIndex {
        /// The profile.
        profile: ProfileName,
        /// The problem, as a clause.
        problem: String,
    },
    /// Keys, or the number of them that have to sign, make no sense as trusted keys.
    #[error("the trusted keys are not valid: {problem}")]
    InvalidTrustedKeys {
        /// The problem, as a clause.
        problem: String,
    },
    /// A secret key is protected by a password, and the caller gave none.
    #[error("the secret key is protected by a password")]
    KeyLocked,
    /// A signer of the caller failed. Made by [`Error::signer`].
    #[error("the manifest cannot be signed")]
    Signer {
        /// The remedy and the class, as far as the signer knows them.
        advice: Advice,
        /// The signer's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The publisher keeps the old layout, and the store does not support symbolic links.
    #[error("{store} does not support symbolic links")]
    LinksUnsupported {
        /// The store.
        store: String,
    },
    /// A link, a pipe or a device is in the place of a file or directory, or a file system hangs.
    #[error(transparent)]
    Target(netboot_core::Error),
    /// A file of the caller cannot be read: an artifact, which may have changed, or a key.
    #[error(transparent)]
    Artifact(netboot_core::Error),
    /// A text does not follow the rule of its kind, such as the name of a site.
    #[error(transparent)]
    InvalidValue(#[from] netboot_core::InvalidValue),
    /// A text cannot be a target of `rsync`.
    #[cfg(feature = "rsync")]
    #[error("{value:?} is not a valid {part} for rsync: {problem}")]
    InvalidRsyncTarget {
        /// The part of the target.
        part: &'static str,
        /// The text, cut to its first 80 characters.
        value: String,
        /// The problem, as a clause.
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
        /// The failed action, as a verb.
        action: &'static str,
        /// The object or the bucket.
        url: String,
        /// The kind of failure, as far as the server reveals it.
        failure: crate::s3::failure::S3Failure,
        /// The client's own error, with the server's answer.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A request to a registry failed.
    #[cfg(feature = "oci")]
    #[error(transparent)]
    Oci(Box<crate::oci::request_error::OciError>),
    /// A store, or what it is asked for, was set up in a way that cannot work.
    #[cfg(any(feature = "oci", feature = "rsync", feature = "s3"))]
    #[error("the {setting} is not valid: {problem}")]
    InvalidSetting {
        /// The setting.
        setting: &'static str,
        /// The problem, as a clause.
        problem: String,
    },
    /// The publisher lost the target's lock, for example because it renewed a lease too late.
    #[error("the lock of the target was lost, and another publisher may hold it")]
    LockLost,
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// The outcome of a release at one site.
#[derive(Debug)]
#[non_exhaustive]
pub enum SiteOutcome {
    /// The release is live.
    Live(Receipt),
    /// The release is staged and whole. It is not live, since it did not go live at another site.
    Staged(Staged),
    /// The release was live and was rolled back, since it could not go live at another site.
    RolledBack(Receipt),
    /// The site failed. The release may be staged in part or completely. After a failure at the
    /// pointer it may be live and whole, except under [`AllOrNone`](crate::ActivationPolicy).
    Failed(Error),
    /// The release may be live although it should be live nowhere, because the rollback failed.
    NotRolledBack(Error),
}

/// The outcome of a release at each site. `Display` counts the sites and shows a line for each.
#[derive(Debug)]
#[non_exhaustive]
pub struct SitesReport {
    /// The release.
    pub release: ReleaseId,
    /// The outcomes, by site.
    pub sites: BTreeMap<SiteName, SiteOutcome>,
    pub(crate) is_staging: bool,
}
