//! Problems with the files of a flake.

/// The reason why Nix cannot use `flake.nix` or `flake.lock`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlakeProblem {
    /// `flake.lock` has the marks of a merge that is not finished.
    LockConflict,
    /// `flake.lock` is not JSON, or lacks a part.
    LockUnreadable,
    /// `flake.lock` has a version that this Nix does not read.
    LockVersion,
    /// `flake.nix` or `flake.lock` uses something that this Nix does not know.
    Unsupported,
    /// An input has a type, or a scheme in its URL, that this Nix does not know.
    InputType,
    /// An input does not have the hash or the revision that `flake.lock` has for it.
    InputChanged {
        /// The path of the input, such as `nixpkgs` or `home-manager/nixpkgs`.
        input: String,
    },
}

impl FlakeProblem {
    /// A remedy for the problem.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::LockConflict => {
                "choose a side with `git checkout --ours flake.lock` or `git checkout --theirs \
                 flake.lock`, then run `git add flake.lock` and `nix flake lock`"
                    .to_owned()
            }
            Self::LockUnreadable => {
                "restore it with `git checkout flake.lock`; if no commit has a valid one, delete it \
                 and run `nix flake lock`, which takes the newest inputs"
                    .to_owned()
            }
            Self::LockVersion => {
                "use a Nix as new as the one that wrote it, or delete it and run `nix flake lock`, \
                 which takes the newest inputs"
                    .to_owned()
            }
            Self::Unsupported => {
                "use a newer Nix: put it first on PATH or give its directory with \
                 `program_directory`; or correct the name in the message, if no Nix knows it"
                    .to_owned()
            }
            Self::InputType => {
                "correct the `type` of the input, or the scheme of its `url`, in flake.nix: Nix \
                 knows `path`, `git`, `github`, `gitlab`, `sourcehut`, `hg`, `tarball`, \
                 `indirect`, and in newer versions `file`"
                    .to_owned()
            }
            Self::InputChanged { input } => format!(
                "if the new content is right, run `nix flake update {input}` in the flake (before \
                 Nix 2.19: `nix flake lock --update-input {input}`) and commit its `flake.lock`"
            ),
        }
    }

    /// A phrase that follows the reference of the flake.
    pub(super) fn phrase(&self) -> String {
        match self {
            Self::LockConflict => "has a merge conflict in its flake.lock".to_owned(),
            Self::LockUnreadable => "has a flake.lock that cannot be read".to_owned(),
            Self::LockVersion => "has a flake.lock of another version of Nix".to_owned(),
            Self::Unsupported => "uses something that this Nix does not know".to_owned(),
            Self::InputType => "has an input of a type that this Nix does not know".to_owned(),
            Self::InputChanged { input } => {
                format!("has an input `{input}` that is not what its flake.lock says")
            }
        }
    }
}
