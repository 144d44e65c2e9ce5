//! Refusals of git and ssh.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use foreign_text::ForeignText;

/// A repository that git, or the ssh that it runs, does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GitRefusal {
    /// The kind of problem.
    pub problem: GitProblem,
    /// The repository, as an address or path for git as far as it is known.
    pub repository: String,
    /// Git's words, or Nix's if git printed none.
    pub message: ForeignText,
}

/// The reason why git, or the ssh that it runs, does not give the source of a flake. Git's own
/// words are in the message of the error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GitProblem {
    /// Git does not track a file, so Nix does not see it.
    NotTracked {
        /// The file, relative to the repository.
        path: PathBuf,
        /// True if git ignores the file (`.gitignore`).
        ignored: bool,
    },
    /// There are uncommitted changes, and Nix's `allow-dirty` is off.
    Uncommitted,
    /// The repository belongs to another user, and git does not trust it.
    OtherOwner,
    /// The repository has no such branch, tag or commit.
    MissingRevision,
    /// The server wants a name and a password, or does not accept the key.
    Credentials,
    /// The key of the ssh server is unknown, or is not the one that it was.
    HostKey,
    /// The user that runs Nix has no entry in the user database, which ssh needs.
    UnknownUser,
    /// Git may not use a bare repository that it was not told (`safe.bareRepository`).
    BareRepository,
    /// Git may not fetch a submodule from a directory (`protocol.file.allow`).
    FileProtocol,
    /// A file is in a submodule, which the reference does not ask for.
    Submodule,
    /// A file of the source is a pointer of git-lfs, not its content.
    LfsPointer,
    /// There is no repository at the address, or the user may not see it.
    NoRepository,
    /// A file that git needs to configure itself is invalid.
    Configuration,
    /// The program that reads the repository is not installed: git, or the ssh that git runs.
    ProgramMissing {
        /// The program.
        program: String,
    },
    /// Git gave another reason.
    Other,
}

/// The words of git, libgit2, ssh and Nix for each problem. The first problem that matches counts:
/// git ends most of its failures with the words of a missing repository.
const WORDS: [(GitProblem, &[&str]); 8] = [
    (GitProblem::HostKey, &["Host key verification failed", "REMOTE HOST IDENTIFICATION"]),
    (
        GitProblem::Credentials,
        &[
            "terminal prompts disabled",
            "could not read Username",
            "could not read Password",
            "Authentication failed",
            "Invalid username or",
            "Permission denied (",
            "Too many authentication failures",
            "The requested URL returned error: 401",
            "The requested URL returned error: 403",
        ],
    ),
    (
        GitProblem::UnknownUser,
        &["No user exists for uid", "unknown user id", "unable to look up current user"],
    ),
    (GitProblem::BareRepository, &["cannot use bare repository"]),
    (GitProblem::FileProtocol, &["transport 'file' not allowed"]),
    (
        GitProblem::Configuration,
        &["bad config line", "bad config variable", "failed to parse config file"],
    ),
    (
        GitProblem::MissingRevision,
        &[
            "couldn't find remote ref",
            "Cannot find Git revision",
            "revspec '",
            "object not found",
            "unknown revision",
            "bad object",
            "bad revision",
            "Needed a single revision",
            "not our ref",
            "has wrong length for hash",
            "does not have any commits",
            "Remote branch ",
        ],
    ),
    (
        GitProblem::NoRepository,
        &[
            "does not appear to be a git repository",
            "not a git repository",
            "could not find repository",
            "Repository not found",
            "not found: did you run git update-server-info",
            "does not exist",
            "Could not read from remote repository",
            "The requested URL returned error: 404",
        ],
    ),
];

impl GitProblem {
    /// Reads the words of git.
    pub(crate) fn of(words: &str) -> Self {
        let is_it = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
        WORDS
            .iter()
            .find(|(_, texts)| is_it(texts))
            .map_or(Self::Other, |(problem, _)| problem.clone())
    }
}

impl GitRefusal {
    /// A refusal of this kind.
    pub fn new(
        problem: GitProblem,
        repository: impl Into<String>,
        message: impl Into<ForeignText>,
    ) -> Self {
        Self { problem, repository: repository.into(), message: message.into() }
    }

    /// A remedy for the problem.
    pub(super) fn hint(&self) -> String {
        let Self { problem, repository, .. } = self;
        match problem {
            GitProblem::NotTracked { path, ignored } => {
                let force = if *ignored { " --force" } else { "" };
                format!(
                    "Nix sees only files that git tracks; run `git -C {} add --intent-to-add{force} \
                     {}`",
                    for_a_shell(Path::new(repository)),
                    for_a_shell(path)
                )
            }
            GitProblem::Uncommitted => {
                "commit the changes, or allow them with `allow-dirty = true` in nix.conf".to_owned()
            }
            GitProblem::OtherOwner => format!(
                "build as the owner of the repository, change its owner, or trust it with \
                 `git config --global --add safe.directory {repository}`"
            ),
            GitProblem::MissingRevision => format!(
                "add `?ref=` with a branch of the repository to the reference (`git ls-remote \
                 {repository}` lists them), and correct `rev=`, which is the full hash of a commit \
                 that was pushed there"
            ),
            GitProblem::Credentials => {
                "give the user that runs Nix access: a key in its ssh agent or `~/.ssh` for \
                 `git+ssh://`, or a `credential.helper` in its git configuration for \
                 `git+https://`; nobody is asked for a password"
                    .to_owned()
            }
            GitProblem::HostKey => {
                "compare the key of the server with one that its owner published, and write it \
                 into `~/.ssh/known_hosts` of the user that runs Nix"
                    .to_owned()
            }
            GitProblem::UnknownUser => {
                "run as a user with an entry in /etc/passwd, which ssh needs, or take a reference \
                 without ssh"
                    .to_owned()
            }
            GitProblem::BareRepository => {
                "allow it with `git config --global safe.bareRepository all`; Nix 2.8 keeps its \
                 copies of repositories in this form"
                    .to_owned()
            }
            GitProblem::FileProtocol => {
                "allow it with `git config --global protocol.file.allow always` if you trust the \
                 repository"
                    .to_owned()
            }
            GitProblem::Submodule => {
                "add `submodules=1` to the query of a `git+…` reference, such as \
                 `git+file:///srv/infrastructure?submodules=1`"
                    .to_owned()
            }
            GitProblem::LfsPointer => {
                "install git-lfs, and run `git lfs pull` in the repository; for one that Nix \
                 fetches, add `lfs=1` to the query of the `git+…` reference (since Nix 2.27)"
                    .to_owned()
            }
            GitProblem::NoRepository => {
                "check the spelling of the address, and whether this user may read the repository: \
                 many servers say that a private one does not exist"
                    .to_owned()
            }
            GitProblem::Configuration => {
                "correct the git configuration at the place in the message".to_owned()
            }
            GitProblem::ProgramMissing { program } => {
                let package = if program == "ssh" { "openssh-client" } else { program };
                format!(
                    "install {program} (Debian: `apt-get install {package}`), or add its directory \
                     to PATH in the builder's environment"
                )
            }
            GitProblem::Other => format!(
                "do what git's message asks for; `git ls-remote {repository}` as the user that runs \
                 Nix shows it again"
            ),
        }
    }
}

impl fmt::Display for GitRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { problem, repository, message } = self;
        match problem {
            GitProblem::NotTracked { path, .. } => {
                let path = Path::new(repository).join(path);
                write!(f, "`{}` is not tracked by git, so Nix does not see it", path.display())
            }
            GitProblem::Uncommitted => {
                write!(f, "the git repository `{repository}` has uncommitted changes")
            }
            GitProblem::OtherOwner => {
                write!(f, "the git repository `{repository}` belongs to another user")
            }
            GitProblem::ProgramMissing { program } => {
                write!(f, "the program `{program}`, which reads `{repository}`, was not found")
            }
            _ => write!(f, "git does not give `{repository}`: {message}"),
        }
    }
}

/// A path as a word of a shell's command line.
fn for_a_shell(path: &Path) -> String {
    let path = path.display().to_string();
    // Only a NUL cannot be quoted, and no path has one.
    shlex::try_quote(&path).map_or_else(|_| path.clone(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_git_tell_the_problem() {
        for (words, problem) in [
            ("fatal: couldn't find remote ref refs/heads/master", GitProblem::MissingRevision),
            ("fatal: transport 'file' not allowed", GitProblem::FileProtocol),
            (
                "Host key verification failed.\nfatal: Could not read from remote repository.",
                GitProblem::HostKey,
            ),
            (
                "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                GitProblem::Credentials,
            ),
            ("fatal: detected a new word", GitProblem::Other),
        ] {
            assert_eq!(GitProblem::of(words), problem, "{words}");
        }
    }
}
