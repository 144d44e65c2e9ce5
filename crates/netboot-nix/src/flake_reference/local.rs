//! Flakes in directories of this machine.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The characters that a path has in a reference only if they are encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'_')
    .remove(b'-')
    .remove(b'~')
    .remove(b'+')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b',');

/// The schemes of local references, the longest first.
const SCHEMES: [&str; 5] = ["git+file://", "git+file:", "file://", "path:", ""];

/// The parts of a reference to a local directory.
pub(super) struct LocalReference<'a> {
    scheme: &'static str,
    path: Cow<'a, Path>,
    query: &'a str,
}

impl<'a> LocalReference<'a> {
    pub(super) fn of(reference: &'a str) -> Option<Self> {
        let scheme = SCHEMES.into_iter().find(|scheme| reference.starts_with(scheme))?;
        let rest = &reference[scheme.len()..];
        if scheme.is_empty() && !rest.starts_with(['.', '/']) {
            return None;
        }
        let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        let mut path = Cow::Borrowed(Path::new(path));
        if !scheme.is_empty() && !path.exists() {
            // A path in a URL may be encoded.
            let decoded =
                percent_decode_str(&rest[..rest.len() - query.len()]).decode_utf8().ok()?;
            path = Cow::Owned(PathBuf::from(decoded.into_owned()));
        }
        Some(Self { scheme, path, query: query.trim_start_matches('?') })
    }

    /// True if only the caller's directory tells where the flake is, or if it must be there.
    pub(super) fn must_exist(&self) -> bool {
        matches!(self.scheme, "" | "path:")
    }

    /// The absolute path of the directory.
    pub(super) fn directory(&self) -> Option<PathBuf> {
        self.path.canonicalize().ok()
    }

    /// The value of `dir` in the query.
    fn subdirectory(&self) -> Option<&'a str> {
        self.query.split('&').find_map(|parameter| parameter.strip_prefix("dir="))
    }

    /// The directory that contains the `flake.nix`.
    pub(super) fn flake(&self) -> Option<PathBuf> {
        let below = self.subdirectory().unwrap_or(".");
        // For a plain path, Nix also searches the directories above it.
        let places = if self.scheme.is_empty() { usize::MAX } else { 1 };
        let absolute = self.directory()?;
        let mut places = absolute.ancestors().take(places).map(|place| place.join(below));
        places.find(|place| place.join("flake.nix").is_file()).map(|place| {
            if self.subdirectory().is_none() { place.components().collect() } else { place }
        })
    }

    /// The reference with an absolute path, in a form that Nix reads, or `None` if there is no
    /// flake.
    pub(super) fn as_nix_reads_it(&self) -> Option<String> {
        let directory = self.directory()?;
        if self.scheme != "path:" && is_bare(&directory) {
            let branch = self.branch(&directory).map(|name| format!("ref={name}"));
            return Some(self.with(&git_url(&directory), branch));
        }
        let is_of_git = self.scheme.starts_with("git+file:")
            || self.scheme == "file://" && directory.join(".git").exists();
        if is_of_git {
            return Some(self.with(&git_url(&directory), None));
        }
        let flake = self.flake()?;
        if !self.scheme.is_empty() {
            return Some(self.with(&format!("path:{}", encode(&directory)?), None));
        }
        let path = encode(&directory)?;
        if self.subdirectory().is_none() && directory.to_str() == Some(&path) {
            return Some(self.with(&path, None));
        }
        // No Nix reads `dir` behind a plain path, and only a URL can have encoded characters.
        match repository(&directory) {
            Some(root) => {
                let below = encode(flake.strip_prefix(&root).ok()?)?;
                let others = self.query.split('&').filter(|it| !it.starts_with("dir="));
                let below = Some(format!("dir={below}")).filter(|it| it != "dir=");
                let query: Vec<String> =
                    below.into_iter().chain(others.map(str::to_owned)).collect();
                Some(joined(&git_url(&root), query))
            }
            None if self.subdirectory().is_some() => Some(self.with(&format!("path:{path}"), None)),
            None => Some(self.with(&format!("path:{}", encode(&flake)?), None)),
        }
    }

    /// The branch of a bare repository, or `None` if the reference chooses a revision itself or no
    /// branch stands out. Nix 2.8 takes `master` from every bare repository, and the repository's
    /// own choice can be a branch without commits.
    fn branch(&self, directory: &Path) -> Option<String> {
        if self.query.split('&').any(|it| it.starts_with("ref=") || it.starts_with("rev=")) {
            return None;
        }
        let branches = branches(directory);
        let head = std::fs::read_to_string(directory.join("HEAD")).unwrap_or_default();
        let chosen = head.trim().strip_prefix("ref: refs/heads/").unwrap_or_default();
        let is_chosen = branches.iter().any(|branch| branch == chosen);
        let only = branches.first().filter(|_| branches.len() == 1).map(String::as_str);
        if is_chosen { Some(chosen) } else { only }.map(str::to_owned)
    }

    fn with(&self, address: &str, parameter: Option<String>) -> String {
        let given = self.query.split('&').filter(|given| !given.is_empty()).map(str::to_owned);
        joined(address, given.chain(parameter).collect())
    }
}

fn joined(address: &str, mut query: Vec<String>) -> String {
    query.retain(|parameter| !parameter.is_empty());
    if query.is_empty() { address.to_owned() } else { format!("{address}?{}", query.join("&")) }
}

/// Returns true for a git repository without a working tree (gitrepository-layout(5)).
fn is_bare(directory: &Path) -> bool {
    directory.join("HEAD").is_file()
        && directory.join("objects").is_dir()
        && directory.join("refs").is_dir()
        && !directory.join("flake.nix").exists()
}

/// The names of a repository's branches.
fn branches(repository: &Path) -> Vec<String> {
    let heads = repository.join("refs/heads");
    let files = walkdir::WalkDir::new(&heads).max_depth(8).into_iter().filter_map(Result::ok);
    let loose = files
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| Some(entry.path().strip_prefix(&heads).ok()?.to_str()?.to_owned()));
    let packed = std::fs::read_to_string(repository.join("packed-refs")).unwrap_or_default();
    let packed = packed.lines().filter_map(|line| line.split_once(" refs/heads/"));
    let mut all: Vec<String> = loose.chain(packed.map(|(_, name)| name.to_owned())).collect();
    all.sort();
    all.dedup();
    all
}

/// The root of the git repository that contains a directory.
pub(super) fn repository(directory: &Path) -> Option<PathBuf> {
    directory.ancestors().find(|place| place.join(".git").exists()).map(Path::to_owned)
}

fn git_url(directory: &Path) -> String {
    let path = encode(directory).unwrap_or_else(|| directory.display().to_string());
    format!("git+file://{path}")
}

/// The path as a URL has it, or `None` if it is not UTF-8 or has control characters.
fn encode(path: &Path) -> Option<String> {
    let text = path.to_str().filter(|path| !path.contains(char::is_control))?;
    Some(utf8_percent_encode(text, ENCODED).to_string())
}
