//! What can go wrong while Nix evaluates and builds.

mod details;
mod hint;
mod phrases;
pub(crate) mod problem;
pub(crate) mod shared_io_error;
pub(crate) mod subject;

use std::path::PathBuf;
use std::process::ExitStatus;

use netboot_core::{Architecture, ProfileName};

use self::phrases::{at, colon, derivation_or, ending, joined};
use self::problem::EvaluationProblem;
use self::shared_io_error::SharedIoError;
use self::subject::Subject;
use crate::policy::finding::PolicyFinding;

/// The errors of this crate. Each names the attribute, derivation or path that it is about.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is not a flake reference.
    #[error("{reference:?} is not a flake reference: {problem}")]
    InvalidFlakeReference {
        /// The text.
        reference: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An option of the builder has a value that cannot be used.
    #[error("the option {option} cannot be used: {problem}")]
    InvalidOption {
        /// The option and what it is about; never a variable's value, which may be secret.
        option: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A text is not the path of an attribute.
    #[error("{path:?} is not the path of an attribute: {problem}")]
    InvalidAttributePath {
        /// The text.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A text is not a line of `authorized_keys`.
    #[error("{line:?} is not an authorized SSH key: {problem}")]
    InvalidAuthorizedKey {
        /// The text.
        line: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There are overrides for a configuration that has no `extendModules`.
    #[error("`{attribute}` cannot be overridden: it has no `extendModules`")]
    NotExtensible {
        /// The configuration.
        attribute: String,
    },
    /// A file of the system is too large for an initrd, and would be left out of it.
    #[error("`{attribute}` holds `{path}`, a file of {size} bytes, which no initrd can hold")]
    FileTooLarge {
        /// The configuration.
        attribute: String,
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// Store paths could not be copied to another store, or from one.
    #[error("Nix could not copy store paths between this store and `{store}`: {message}")]
    CopyFailed {
        /// The other store.
        store: String,
        /// What Nix said.
        message: String,
    },
    /// An image says nothing of the system that it was made of.
    #[error("the image of `{profile}` does not say which system it was made of")]
    NoToplevel {
        /// The profile.
        profile: ProfileName,
    },
    /// The builder's policy denies a configuration.
    #[error("the policy denies `{attribute}`: {}", joined(findings))]
    PolicyViolated {
        /// The configuration.
        attribute: String,
        /// What it has or lacks, each with its own remedy.
        findings: Vec<PolicyFinding>,
    },
    /// There is no flake at the reference.
    #[error("there is no flake at `{reference}`{}", colon(message.as_deref()))]
    FlakeNotFound {
        /// The reference.
        reference: String,
        /// What Nix said, where it was asked.
        message: Option<String>,
    },
    /// The flake's lock file does not fit its inputs.
    #[error("the lock file of the flake `{reference}` must be updated: {message}")]
    LockFileOutdated {
        /// The flake.
        reference: String,
        /// What Nix said.
        message: String,
    },
    /// The flake has changes that are not committed, and Nix's `allow-dirty` is off.
    #[error("the git repository `{repository}` has changes that are not committed")]
    DirtyTree {
        /// The repository.
        repository: String,
    },
    /// The flake's git repository belongs to another user, and git does not trust it.
    #[error("the git repository `{repository}` belongs to another user")]
    RepositoryOwner {
        /// The repository.
        repository: String,
    },
    /// A file is in the flake's git repository, and git does not track it: Nix does not see it.
    #[error("`{path}` is not tracked by git, so Nix does not see it")]
    FileNotTracked {
        /// The file.
        path: PathBuf,
    },
    /// The flake's files were changed while it was evaluated.
    #[error("the flake `{reference}` was changed after it was locked")]
    SourceChanged {
        /// The flake.
        reference: String,
    },
    /// A Nix program is not installed.
    #[error("the program `{program}` was not found in {path:?}")]
    NixMissing {
        /// The program.
        program: String,
        /// The search path.
        path: String,
    },
    /// A Nix program could not be started.
    #[error("the program `{program}` could not be started")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        source: SharedIoError,
    },
    /// Something needs an experimental feature of Nix that is off.
    #[error("{subject} needs the experimental feature `{feature}` of Nix")]
    FeatureDisabled {
        /// What needs it.
        subject: Subject,
        /// The feature, such as `ca-derivations`.
        feature: String,
    },
    /// The flake has no such configuration, or the configuration lacks an attribute.
    #[error("the flake has no `{attribute}`")]
    AttributeMissing {
        /// The attribute.
        attribute: String,
        /// The configurations that there are.
        available: Vec<String>,
    },
    /// A configuration could not be evaluated.
    #[error("`{attribute}` could not be evaluated{}: {message}", at(position.as_deref()))]
    Evaluation {
        /// The attribute.
        attribute: String,
        /// What kind of mistake it is.
        problem: EvaluationProblem,
        /// What Nix said.
        message: String,
        /// Where in the source, as `file:line:column`, if Nix said so.
        position: Option<String>,
    },
    /// An evaluated value has another type or form than NixOS gives it.
    #[error("`{attribute}` cannot be used: {problem}")]
    UnusableValue {
        /// The attribute.
        attribute: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The configuration is for another architecture than the profile.
    #[error("`{attribute}` is for {found}, and the profile is for {expected}")]
    ArchitectureMismatch {
        /// The attribute.
        attribute: String,
        /// The profile's architecture.
        expected: Architecture,
        /// The configuration's system.
        found: String,
    },
    /// A derivation could not be built.
    #[error("`{derivation}` failed to build{}", ending(last_lines))]
    BuildFailed {
        /// The derivation, and not one that only needs it.
        derivation: String,
        /// How its builder ended, where Nix said so.
        reason: Option<String>,
        /// The last 20 lines of its log.
        last_lines: Vec<String>,
        /// The log of the profile's build, with every line.
        build_log: PathBuf,
    },
    /// A download or fixed-output derivation has another hash than stated.
    #[error("`{derivation}` has the hash {found}, and {specified} is stated{}", ending(last_lines))]
    HashMismatch {
        /// The derivation.
        derivation: String,
        /// The hash that the configuration states.
        specified: String,
        /// The hash of what there is.
        found: String,
        /// The last 20 lines of its log.
        last_lines: Vec<String>,
        /// The log of the profile's build.
        build_log: PathBuf,
    },
    /// A build took longer than allowed, or printed nothing for longer than allowed.
    #[error("{} took too long: {message}{}", derivation_or(derivation.as_deref(), "the build"), ending(last_lines))]
    TimedOut {
        /// The derivation, where it is known: Nix 2.34 does not name it.
        derivation: Option<String>,
        /// What Nix said.
        message: String,
        /// The last 20 lines of its log.
        last_lines: Vec<String>,
        /// The log of the profile's build.
        build_log: PathBuf,
    },
    /// No machine has the system or the features that a derivation needs.
    #[error("no machine can build `{derivation}`: it needs {required}")]
    UnsupportedSystem {
        /// The derivation.
        derivation: String,
        /// The system and features that it needs, as a phrase.
        required: String,
        /// The log of the profile's build.
        build_log: PathBuf,
    },
    /// Nothing may be built on this machine, and no other machine takes the build.
    #[error("no machine can build {}: {message}", derivation_or(derivation.as_deref(), "what is needed"))]
    NoBuilder {
        /// The derivation, where Nix named it.
        derivation: Option<String>,
        /// What Nix said, and what was said of other machines.
        message: String,
        /// The log of the profile's build.
        build_log: PathBuf,
    },
    /// The garbage collector took what had been evaluated, twice.
    #[error("the garbage collector took `{derivation}` before it could be built")]
    DerivationCollected {
        /// The derivation.
        derivation: String,
    },
    /// A store path carries no signature of a trusted key.
    #[error("`{path}` has no signature that this Nix trusts: {message}")]
    Unsigned {
        /// The store path.
        path: String,
        /// What Nix said.
        message: String,
        /// The log of the profile's build, where one was begun.
        build_log: Option<PathBuf>,
    },
    /// The network, a git server or a substituter could not be reached, or let nobody in.
    #[error("Nix could not download {} for {subject}: {message}", url.as_deref().unwrap_or("what it needs"))]
    Network {
        /// What it was needed for.
        subject: Subject,
        /// What was to be downloaded, where Nix or git named it.
        url: Option<String>,
        /// What Nix said.
        message: String,
        /// The log of the profile's build, where one was begun.
        build_log: Option<PathBuf>,
    },
    /// The disk is full.
    #[error("the disk is full; it was needed for {subject}: {message}{}", ending(last_lines))]
    DiskFull {
        /// What it was needed for.
        subject: Subject,
        /// What Nix said.
        message: String,
        /// The last 20 lines of the derivation's log, where a builder ran.
        last_lines: Vec<String>,
        /// The log of the profile's build, where one was begun.
        build_log: Option<PathBuf>,
    },
    /// Nix may not read or write a file.
    #[error("Nix may not use `{path}`, which {subject} needs: {message}")]
    PermissionDenied {
        /// What needs it.
        subject: Subject,
        /// The file.
        path: PathBuf,
        /// What Nix said.
        message: String,
        /// The log of the profile's build, where one was begun.
        build_log: Option<PathBuf>,
    },
    /// The Nix daemon cannot be reached.
    #[error("the Nix daemon does not answer at `{socket}`: {message}")]
    DaemonUnreachable {
        /// Its socket.
        socket: PathBuf,
        /// What Nix said.
        message: String,
        /// The log of the profile's build, where one was begun.
        build_log: Option<PathBuf>,
    },
    /// Somebody else ended Nix while it worked.
    #[error("Nix was ended from outside while it worked on {subject}: {message}")]
    Interrupted {
        /// What it worked on.
        subject: Subject,
        /// What is known of it.
        message: String,
        /// The log of the profile's build, where one was begun.
        build_log: Option<PathBuf>,
    },
    /// The configuration's initrd was built without its toplevel.
    #[error("the initrd of `{attribute}` does not hold its own init `{init}`")]
    InitrdOutOfStep {
        /// The attribute.
        attribute: String,
        /// The init that is missing.
        init: String,
    },
    /// A build's output lacks a file.
    #[error("`{attribute}` was built, and has no `{path}`")]
    OutputMissing {
        /// The attribute.
        attribute: String,
        /// The file that is missing.
        path: PathBuf,
    },
    /// A Nix program failed in a way that is not known.
    #[error(
        "`{program}` ended with {status}; it was called with {arguments:?} and said:\n{}",
        last_lines.join("\n")
    )]
    CommandFailed {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// How it ended.
        status: ExitStatus,
        /// The last 20 lines of its standard error.
        last_lines: Vec<String>,
        /// The log of the profile's build, where one was begun.
        build_log: Option<PathBuf>,
    },
    /// What a Nix program printed cannot be understood.
    #[error("`{program}` printed something that cannot be understood: {problem}")]
    UnreadableOutput {
        /// The program.
        program: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of the state directory cannot be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: SharedIoError,
    },
    /// Two profiles that are built together have one name.
    #[error("the profile is asked for twice")]
    DuplicateProfile,
}
