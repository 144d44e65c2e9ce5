//! The errors of evaluating and building with Nix.

mod class;
mod details;
pub(crate) mod flake_problem;
pub(crate) mod git_problem;
mod hint;
pub(crate) mod package_refusal;
mod phrases;
pub(crate) mod problem;
pub(crate) mod proxy_variable;
pub(crate) mod subject;
pub(crate) mod text_form;
use self::phrases::{at, colon, derivation_or, ending, joined, lines};
use foreign_text::ForeignText;
use std::{io, path::PathBuf, process::ExitStatus, sync::Arc, time::Duration};

/// An error of this crate. It names the attribute, derivation or path that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option of the builder has a value that cannot be used.
    #[error("the option {option} is invalid: {problem}")]
    InvalidOption {
        /// The name of the option. A variable's value may be secret and is never shown.
        option: String,
        /// The problem.
        problem: &'static str,
    },
    /// A text that a caller gave does not have the form that it needs.
    #[error("{text:?} is not {form}: {problem}")]
    InvalidText {
        /// The form.
        form: text_form::TextForm,
        /// The text.
        text: String,
        /// The problem.
        problem: String,
    },
    /// A reference can mean several things, or nothing.
    #[error("the flake reference `{reference}` {problem}")]
    UnclearReference {
        /// The reference.
        reference: String,
        /// The problem, as the rest of a sentence.
        problem: &'static str,
        /// A clear reference; `None` if this version of Nix reads no form of this one.
        suggestion: Option<String>,
    },
    /// A configuration with overrides, or one that boots from a closure, has no `extendModules`.
    #[error("`{attribute}` cannot be changed: it has no `extendModules`")]
    NotExtensible {
        /// The configuration.
        attribute: String,
    },
    /// A profile's payload is the closure, but the builder has no program for the initrd.
    #[error("the builder has no program `netboot-stage1`, which boots machines from a closure")]
    NoClosureProgram,
    /// A configuration lacks something that closure boot needs.
    #[error("`{attribute}` cannot boot from a closure: it needs {needed}")]
    ClosureBootRefused {
        /// The configuration.
        attribute: String,
        /// The setting that the configuration needs, and the way to set it.
        needed: ForeignText,
    },
    /// A file of the system is too large for an initrd. The initrd would be built without it.
    #[error("`{attribute}` contains `{path}`, which is too large for an initrd: {size} bytes")]
    FileTooLarge {
        /// The configuration.
        attribute: String,
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// Store paths could not be copied to or from another store.
    #[error("Nix could not copy store paths between this store and `{store}`: {message}")]
    CopyFailed {
        /// The other store.
        store: String,
        /// Nix's message.
        message: ForeignText,
    },
    /// An image does not record the system that it was made from.
    #[error("the image of `{profile}` does not record the system that it was made from")]
    NoToplevel {
        /// The profile.
        profile: netboot_core::ProfileName,
    },
    /// The builder's policy denies a configuration.
    #[error("the policy denies `{attribute}`: {}", joined(findings))]
    PolicyViolated {
        /// The configuration.
        attribute: String,
        /// The findings of the policy. Each finding has a hint.
        findings: Vec<crate::policy::finding::PolicyFinding>,
    },
    /// There is no flake at the reference.
    #[error("there is no flake at `{reference}`{}", colon(message.as_ref()))]
    FlakeNotFound {
        /// The reference.
        reference: String,
        /// Nix's message, if Nix was asked.
        message: Option<ForeignText>,
    },
    /// The flake's lock file does not match its inputs.
    #[error("the lock file of the flake `{reference}` is out of date: {message}")]
    LockFileOutdated {
        /// The flake.
        reference: String,
        /// Nix's message.
        message: ForeignText,
    },
    /// Git, or the ssh that it runs, does not give a source as it is.
    #[error("{refusal}")]
    Git {
        /// The reason, with git's own words.
        refusal: git_problem::GitRefusal,
    },
    /// Nix cannot use the files of the flake, or one of its inputs.
    #[error("the flake `{reference}` {}: {message}", problem.phrase())]
    FlakeUnusable {
        /// The flake.
        reference: String,
        /// The problem.
        problem: flake_problem::FlakeProblem,
        /// Nix's message.
        message: ForeignText,
    },
    /// The flake's files changed while Nix evaluated it.
    #[error("the flake `{reference}` changed after it was locked")]
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
    #[error("cannot start the program `{program}`")]
    Spawn {
        /// The program.
        program: String,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// The flake needs an experimental feature of Nix that is off.
    #[error("{subject} needs the experimental feature `{feature}` of Nix")]
    FeatureDisabled {
        /// The thing that needs it.
        subject: subject::Subject,
        /// The name of the feature, such as `ca-derivations`.
        feature: String,
    },
    /// The flake has no such configuration, or the configuration lacks an attribute.
    #[error("the flake has no `{attribute}`")]
    AttributeMissing {
        /// The attribute.
        attribute: String,
        /// The configurations of the flake.
        available: Vec<String>,
    },
    /// A configuration could not be evaluated.
    #[error("cannot evaluate `{attribute}`{}: {message}", at(position.as_deref()))]
    Evaluation {
        /// The attribute.
        attribute: String,
        /// The kind of mistake.
        problem: problem::EvaluationProblem,
        /// Nix's message.
        message: ForeignText,
        /// The place in the source, as `file:line:column`, if Nix names it.
        position: Option<String>,
    },
    /// An evaluation ran out of memory.
    #[error("the evaluation of `{attribute}` may have {} MiB and ran out of memory: {message}", limit >> 20)]
    EvaluationTooLarge {
        /// The attribute, or the reference of the flake that was locked.
        attribute: String,
        /// The limit in bytes.
        limit: u64,
        /// Nix's message.
        message: ForeignText,
    },
    /// An evaluation took more time than it may take.
    #[error("the evaluation of `{attribute}` took longer than {} s", limit.as_secs_f64())]
    EvaluationTooSlow {
        /// The attribute, or the reference of the flake that was locked.
        attribute: String,
        /// The limit.
        limit: Duration,
    },
    /// An evaluated value does not have the type or form that NixOS gives it.
    #[error("`{attribute}` is unusable: {problem}")]
    UnusableValue {
        /// The attribute.
        attribute: String,
        /// The problem.
        problem: ForeignText,
    },
    /// The profile and the configuration, or the closure program, differ in architecture.
    #[error("`{attribute}` is for {found}, and the profile is for {expected}")]
    ArchitectureMismatch {
        /// The configuration, or the path of the program.
        attribute: String,
        /// The profile's architecture.
        expected: netboot_core::Architecture,
        /// The configuration's system, or the program's architecture.
        found: String,
    },
    /// A derivation could not be built.
    #[error("`{derivation}` failed to build{}", ending(last_lines))]
    BuildFailed {
        /// The derivation that failed itself, not one that depends on it.
        derivation: String,
        /// The way the builder ended, if Nix tells it.
        reason: Option<ForeignText>,
        /// The last lines of the derivation's log, at most 20.
        last_lines: Vec<ForeignText>,
        /// The whole log of the profile's build.
        build_log: PathBuf,
    },
    /// A download or fixed-output derivation does not have the hash that the configuration states.
    #[error("`{derivation}` has the hash {found}, not {specified}{}", ending(last_lines))]
    HashMismatch {
        /// The derivation.
        derivation: String,
        /// The hash that the configuration states.
        specified: String,
        /// The hash of the content.
        found: String,
        /// The last lines of the derivation's log, at most 20.
        last_lines: Vec<ForeignText>,
        /// The log of the profile's build.
        build_log: PathBuf,
    },
    /// A build took too long, or printed nothing for too long.
    #[error("{} took too long: {message}{}", derivation_or(derivation.as_deref(), "the build"), ending(last_lines))]
    TimedOut {
        /// The derivation, if it is known. Nix 2.34 does not name it.
        derivation: Option<String>,
        /// Nix's message.
        message: ForeignText,
        /// The last lines of the derivation's log, at most 20.
        last_lines: Vec<ForeignText>,
        /// The log of the profile's build.
        build_log: PathBuf,
    },
    /// No machine has the system or the features that a derivation needs.
    #[error("no machine can build `{derivation}`: it needs {required}")]
    UnsupportedSystem {
        /// The derivation.
        derivation: String,
        /// The system and features that the derivation needs, as a phrase.
        required: String,
        /// The log of the profile's build.
        build_log: PathBuf,
    },
    /// This machine may not build, and no other machine takes the build.
    #[error("no machine can build {}: {message}", derivation_or(derivation.as_deref(), "the parts of the image"))]
    NoBuilder {
        /// The derivation, if Nix names it.
        derivation: Option<String>,
        /// Nix's message, and its messages about other machines.
        message: ForeignText,
        /// The log of the profile's build.
        build_log: PathBuf,
    },
    /// The garbage collector deleted an evaluated derivation twice.
    #[error("the garbage collector deleted `{derivation}` before it was built")]
    DerivationCollected {
        /// The derivation.
        derivation: String,
    },
    /// A store path has no signature by a trusted key.
    #[error("`{path}` has no signature that this Nix trusts: {message}")]
    Unsigned {
        /// The store path.
        path: String,
        /// Nix's message.
        message: ForeignText,
        /// The log of the profile's build, if there is one.
        build_log: Option<PathBuf>,
    },
    /// The network, a git server or a substituter could not be reached or refused access.
    #[error("Nix could not download {} for {subject}: {message}", url.as_deref().unwrap_or("a file"))]
    Network {
        /// The thing that Nix worked on.
        subject: subject::Subject,
        /// The URL, if Nix or git names it.
        url: Option<String>,
        /// The variable with the proxy that programs take for the URL.
        proxy: Option<proxy_variable::ProxyVariable>,
        /// Nix's message.
        message: ForeignText,
        /// The log of the profile's build, if there is one.
        build_log: Option<PathBuf>,
    },
    /// The disk is full.
    #[error("the disk is full, while Nix worked on {subject}: {message}{}", ending(last_lines))]
    DiskFull {
        /// The thing that Nix worked on.
        subject: subject::Subject,
        /// Nix's message.
        message: ForeignText,
        /// The last lines of the derivation's log, at most 20, if a builder ran.
        last_lines: Vec<ForeignText>,
        /// The log of the profile's build, if there is one.
        build_log: Option<PathBuf>,
    },
    /// Nix has no permission for a file.
    #[error("Nix may not use `{path}`, which {subject} needs: {message}")]
    PermissionDenied {
        /// The thing that needs it.
        subject: subject::Subject,
        /// The file.
        path: PathBuf,
        /// Nix's message.
        message: ForeignText,
        /// The log of the profile's build, if there is one.
        build_log: Option<PathBuf>,
    },
    /// The Nix daemon cannot be reached.
    #[error("the Nix daemon does not answer at `{socket}`: {message}")]
    DaemonUnreachable {
        /// The socket of the daemon.
        socket: PathBuf,
        /// Nix's message.
        message: ForeignText,
        /// The log of the profile's build, if there is one.
        build_log: Option<PathBuf>,
    },
    /// Another process ended Nix while it worked.
    #[error("another process ended Nix while it worked on {subject}: {message}")]
    Interrupted {
        /// The thing that Nix worked on.
        subject: subject::Subject,
        /// The way Nix ended.
        message: ForeignText,
        /// The log of the profile's build, if there is one.
        build_log: Option<PathBuf>,
    },
    /// The configuration's initrd does not contain its toplevel.
    #[error("the initrd of `{attribute}` does not contain its own init `{init}`")]
    InitrdOutOfStep {
        /// The attribute.
        attribute: String,
        /// The init that is missing.
        init: String,
    },
    /// The output of a build lacks a file.
    #[error("the build of `{attribute}` did not make `{path}`")]
    OutputMissing {
        /// The attribute.
        attribute: String,
        /// The file that is missing.
        path: PathBuf,
    },
    /// A Nix program failed for an unknown reason.
    #[error("`{program}` ended with {status} on {arguments:?} and printed{}", lines(last_lines))]
    CommandFailed {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// The way it ended.
        status: ExitStatus,
        /// The last lines of standard error, at most 20.
        last_lines: Vec<ForeignText>,
        /// The log of the profile's build, if there is one.
        build_log: Option<PathBuf>,
    },
    /// A Nix program printed something that Netboot cannot read.
    #[error("cannot read the output of `{program}`: {problem}")]
    UnreadableOutput {
        /// The program.
        program: String,
        /// The problem.
        problem: ForeignText,
    },
    /// A file of the state directory could not be read or written.
    #[error("cannot {action} `{path}`")]
    Io {
        /// The action, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// Two profiles of one call have the same name.
    #[error("two profiles of one call have the same name")]
    DuplicateProfile,
}
