//! What can go wrong while Nix evaluates and builds.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use netboot_core::{Architecture, BackendError, ProfileName};

use crate::PolicyFinding;

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
    #[error("the flake's lock file must be updated: {message}")]
    LockFileOutdated {
        /// What Nix said.
        message: String,
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

    /// Flakes are switched off and could not be switched on.
    #[error("this Nix has flakes disabled")]
    FlakesDisabled,

    /// The network or a substituter could not be reached.
    #[error("Nix could not download what it needs: {message}")]
    Network {
        /// What Nix said.
        message: String,
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
    #[error("`{attribute}` could not be evaluated: {message}")]
    Evaluation {
        /// The attribute.
        attribute: String,
        /// What Nix said.
        message: String,
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
    #[error("`{derivation}` failed to build; its log ends in:\n{}", last_lines.join("\n"))]
    BuildFailed {
        /// The derivation.
        derivation: String,
        /// The last 20 lines of its log.
        last_lines: Vec<String>,
        /// The log of the profile's build, with every line.
        build_log: PathBuf,
    },

    /// A download or fixed-output derivation has another hash than stated.
    #[error("a download has another hash than stated: {message}")]
    HashMismatch {
        /// What Nix said, with both hashes.
        message: String,
        /// The log of the profile's build.
        build_log: PathBuf,
    },

    /// A build took longer than allowed.
    #[error("the build took too long: {message}")]
    TimedOut {
        /// What Nix said.
        message: String,
        /// The log of the profile's build.
        build_log: PathBuf,
    },

    /// The disk is full.
    #[error("the disk is full: {message}")]
    DiskFull {
        /// What Nix said.
        message: String,
    },

    /// No machine can build a derivation.
    #[error("no machine can build this: {message}")]
    NoBuilder {
        /// What Nix said.
        message: String,
    },

    /// The Nix daemon cannot be reached.
    #[error("the Nix daemon does not answer: {message}")]
    DaemonUnreachable {
        /// What Nix said.
        message: String,
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

/// A file error that several profiles can fail of.
#[derive(Debug, Clone)]
pub struct SharedIoError(std::sync::Arc<io::Error>);

impl std::fmt::Display for SharedIoError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for SharedIoError {}

impl From<io::Error> for SharedIoError {
    fn from(error: io::Error) -> Self {
        Self(std::sync::Arc::new(error))
    }
}

fn colon(message: Option<&str>) -> String {
    message.map(|message| format!(": {message}")).unwrap_or_default()
}

fn joined(findings: &[PolicyFinding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_owned(), source: source.into() }
    }

    /// A value that the crates' common vocabulary refuses.
    pub(crate) fn unusable(attribute: String, error: &netboot_core::Error) -> Self {
        Self::UnusableValue { attribute, problem: error.to_string() }
    }

    /// The log of the build that failed, where one was begun.
    pub fn build_log(&self) -> Option<&Path> {
        match self {
            Self::BuildFailed { build_log, .. }
            | Self::HashMismatch { build_log, .. }
            | Self::TimedOut { build_log, .. } => Some(build_log),
            _ => None,
        }
    }

    /// What to do about overrides and about what a policy denies.
    fn hint_of_overrides(&self) -> Option<String> {
        Some(match self {
            Self::InvalidAttributePath { .. } => {
                "write names with a dot in between, such as `python3Packages.requests`".to_owned()
            }
            Self::InvalidAuthorizedKey { .. } => {
                "give the whole line of a public key file, such as `~/.ssh/id_ed25519.pub`"
                    .to_owned()
            }
            Self::FileTooLarge { .. } => {
                "files of 4 GiB and more cannot be in a cpio archive: take it out of the \
                 configuration, and let the machine fetch it when it is up"
                    .to_owned()
            }
            Self::NoToplevel { .. } => "build it with a `NixBuilder`".to_owned(),
            Self::NotExtensible { .. } => {
                "make the configuration with `nixpkgs.lib.nixosSystem`, or build it without \
                 overrides"
                    .to_owned()
            }
            Self::PolicyViolated { findings, .. } => {
                let mut remedies: Vec<String> =
                    findings.iter().map(|finding| finding.problem.remedy()).collect();
                remedies.dedup();
                format!("{}; or let the policy only warn", remedies.join("; "))
            }
            Self::AttributeMissing { attribute, .. } if attribute.starts_with("pkgs.") => {
                "correct the name in the overrides, or add it to nixpkgs with an overlay".to_owned()
            }
            _ => return None,
        })
    }

    /// What to do about it, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        if let Some(hint) = self.hint_of_overrides() {
            return Some(hint);
        }
        Some(match self {
            Self::InvalidFlakeReference { .. } => {
                "give a path, `path:…`, `git+ssh://…` or another reference without `#`".to_owned()
            }
            Self::InvalidOption { option, .. } => format!("correct {option}, or leave it out"),
            Self::FlakeNotFound { .. } => {
                "check the spelling, and that the directory has a `flake.nix` that git tracks"
                    .to_owned()
            }
            Self::LockFileOutdated { .. } => {
                "run `nix flake lock` in the flake and commit its `flake.lock`".to_owned()
            }
            Self::NixMissing { .. } => {
                "install Nix (Debian: `apt-get install nix-bin`) or set the builder's PATH"
                    .to_owned()
            }
            Self::Spawn { .. } => "check that the program may be executed".to_owned(),
            Self::FlakesDisabled => {
                "update Nix to 2.4 or later; Netboot switches the feature on by itself".to_owned()
            }
            Self::Network { .. } => {
                "check the network, the address and the credentials, then try again".to_owned()
            }
            Self::AttributeMissing { available, .. } if available.is_empty() => {
                "give the flake `nixosConfigurations.netboot-<profile>` that import NixOS's \
                 `installer/netboot/netboot-minimal.nix`"
                    .to_owned()
            }
            Self::AttributeMissing { available, .. } => format!(
                "add it to the flake, or map the profile to one of its configurations: {}",
                available.join(", ")
            ),
            Self::Evaluation { message, .. } => evaluation_hint(message).to_owned(),
            Self::UnusableValue { .. } => {
                "give it the form that NixOS's netboot modules give it".to_owned()
            }
            Self::ArchitectureMismatch { .. } => {
                "set the profile's architecture, or `nixpkgs.hostPlatform` of the configuration"
                    .to_owned()
            }
            Self::BuildFailed { build_log, last_lines, .. }
                if last_lines.iter().any(|line| line.contains("No space left on device")) =>
            {
                format!(
                    "free space for Nix's builders, with `nix-collect-garbage -d` or another \
                     TMPDIR for example; the whole log is `{}`",
                    build_log.display()
                )
            }
            Self::BuildFailed { build_log, .. } => {
                format!("read the whole log in `{}`, and correct the package", build_log.display())
            }
            Self::HashMismatch { .. } => {
                "if the new content is what you want, put its hash into the configuration"
                    .to_owned()
            }
            Self::TimedOut { .. } => "raise the time limit, or find out what hangs".to_owned(),
            Self::DiskFull { .. } => {
                "free space, with `nix-collect-garbage -d` for example".to_owned()
            }
            Self::NoBuilder { .. } => {
                "build on a machine of that system, or configure a remote builder that has it"
                    .to_owned()
            }
            Self::DaemonUnreachable { .. } => {
                "start it (`systemctl start nix-daemon`), or set NIX_REMOTE".to_owned()
            }
            Self::InitrdOutOfStep { .. } => {
                "let `netbootRamdisk` hold the closure of `toplevel`, as NixOS's netboot.nix does \
                 with `netboot.storeContents`"
                    .to_owned()
            }
            Self::OutputMissing { .. } => {
                "import NixOS's netboot modules, or correct `system.boot.loader.kernelFile`"
                    .to_owned()
            }
            Self::CommandFailed { program, .. } | Self::UnreadableOutput { program, .. } => {
                format!("run `{program}` by hand with these arguments to see more")
            }
            Self::Io { path, .. } => {
                format!("check the permissions and the space at `{}`", path.display())
            }
            Self::DuplicateProfile => "give each profile a name of its own".to_owned(),
            Self::InvalidAttributePath { .. }
            | Self::InvalidAuthorizedKey { .. }
            | Self::FileTooLarge { .. }
            | Self::NoToplevel { .. }
            | Self::NotExtensible { .. }
            | Self::PolicyViolated { .. } => return None,
        })
    }
}

fn evaluation_hint(message: &str) -> &'static str {
    let has = |text: &str| message.contains(text);
    let is_missing = has("No such file or directory") || has("does not exist");
    if has("allow-import-from-derivation") {
        "the configuration builds something to evaluate itself: change that, or allow it by \
         `import_from_derivation(true)` of the builder"
    } else if has("is not tracked by Git") || (has("-source/") && is_missing) {
        "the flake's source lacks the file: of a git repository Nix sees only what git tracks, so \
         `git add` it if it is there"
    } else if has("is not owned by") {
        "build as the user that the repository belongs to, or change its owner"
    } else {
        "correct the configuration; `nix eval --show-trace` on the attribute shows where"
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }
}
