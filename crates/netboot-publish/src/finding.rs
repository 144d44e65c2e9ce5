//! The kinds of damage at a target.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use netboot_core::{Content, ReleaseId, ReleasePath, Sha256Digest, SiteName, counted};
use serde::Serialize;

use crate::pointer::problem::PointerProblem;
use crate::signature::problem::SignatureProblem;

/// One kind of damage at a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Finding {
    /// An object of a release, or an entry point, is missing.
    Missing {
        /// Its path.
        path: ReleasePath,
    },
    /// An object is shorter or longer than its manifest says.
    WrongSize {
        /// Its path.
        path: ReleasePath,
        /// The size in the manifest, in bytes.
        expected: u64,
        /// The size at the target, in bytes; `None` if the path leads to something that is not an
        /// object. Over HTTP, if the server does not say the size, the number of bytes read.
        found: Option<u64>,
    },
    /// An object does not have the digest in its manifest.
    WrongDigest {
        /// Its path.
        path: ReleasePath,
        /// The digest in the manifest.
        expected: Sha256Digest,
        /// The digest at the target.
        found: Sha256Digest,
    },
    /// A file that netboot did not write is in the place of a pointer, an entry point or a link.
    Foreign {
        /// Its path.
        path: ReleasePath,
    },
    /// A file below `releases/` or `blobs/` belongs to no release. Pruning leaves it alone.
    Unknown {
        /// Its path: a text, since its name need not follow netboot's rules.
        path: String,
    },
    /// Netboot wrote an entry point or a link, but for another release than the live one.
    Outdated {
        /// Its path.
        path: ReleasePath,
    },
    /// A pointer cannot be understood, or its script differs from its live release.
    BrokenPointer {
        /// Its path.
        path: ReleasePath,
        /// The problem, as a clause.
        problem: String,
    },
    /// A pointer lacks a valid signature of a trusted key, or is not the newest one.
    UntrustedPointer {
        /// Its path.
        path: ReleasePath,
        /// The problem.
        #[serde(flatten)]
        problem: PointerProblem,
    },
    /// The release has no manifest that can be understood.
    MalformedManifest {
        /// The release.
        release: ReleaseId,
        /// The problem, as a clause.
        problem: String,
    },
    /// The manifest of a release lacks a valid signature.
    Signature {
        /// The release.
        release: ReleaseId,
        /// The problem.
        problem: SignatureProblem,
    },
    /// Over HTTP: the server answers with a status that is neither 200, 404 nor 410.
    Refused {
        /// The requested path.
        path: ReleasePath,
        /// The status.
        status: u16,
    },
    /// Over HTTP: the server redirects to another file, or from http to https, which the iPXE of
    /// network cards does not support.
    Redirected {
        /// The requested path.
        path: ReleasePath,
        /// The URL after the redirection.
        to: String,
    },
    /// Over HTTP: the answer ended too early.
    CutShort {
        /// The requested path.
        path: ReleasePath,
        /// The length in bytes that the server announced.
        announced: Option<u64>,
        /// The number of bytes received.
        received: u64,
    },
    /// Over HTTP: the server does not announce the length of an object. The HTTP boot of UEFI needs
    /// the length, and iPXE uses it to show progress.
    NoLength {
        /// The requested path.
        path: ReleasePath,
    },
    /// Over HTTP: machines get an older pointer than the one at the target.
    Stale {
        /// The path of the pointer.
        path: ReleasePath,
        /// The release that the older pointer makes live.
        live: Option<ReleaseId>,
        /// The age of the pointer in a cache, in seconds, if the cache says so.
        age: Option<u64>,
    },
    /// Staging or pruning of a release is in progress, or was interrupted.
    Incomplete {
        /// The release.
        release: ReleaseId,
    },
}

impl Finding {
    /// Tells an operator what to do about the finding, in a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::WrongSize { .. } | Self::WrongDigest { .. } => {
                "run `repair`; if the file is intact at the target, check that the web server \
                 serves that directory unchanged"
            }
            Self::MalformedManifest { .. } => {
                "run `repair`, or publish the release again: both write the manifest again"
            }
            Self::Foreign { .. } => {
                "move the file away, or let the publisher replace files of others \
                 (`with_replace_foreign`); over HTTP, find out which server or proxy answers"
            }
            Self::Unknown { .. } => "move it away if nobody needs it; netboot never deletes it",
            Self::Outdated { .. } => {
                "publish or activate the live release again: that writes the file"
            }
            Self::BrokenPointer { .. } => {
                "run `repair`; if its history is damaged, delete it and activate the release that \
                 should be live"
            }
            Self::Signature { problem, .. } => problem.hint(),
            Self::UntrustedPointer { problem, .. } => problem.hint(),
            Self::Refused { status: 403, .. } => {
                "run `repair` if the target has lost the file: a bucket that nobody may list \
                 answers 403 for it; otherwise let everyone read the file without a password"
            }
            Self::Refused { status: 401 | 407, .. } => {
                "allow reading without a password: iPXE sends none"
            }
            Self::Refused { .. } => {
                "read the web server's log: it does not serve a file that the target has"
            }
            Self::Redirected { .. } => {
                "serve the file at this URL, over plain http and without a login page"
            }
            Self::CutShort { .. } => {
                "check that the web server and every proxy send whole files and announce their \
                 correct length"
            }
            Self::NoLength { .. } => {
                "make the web server announce the length (Content-Length): turn off compression \
                 and rewriting"
            }
            Self::Stale { .. } => {
                "forbid caching of the pointer (`Cache-Control: no-cache` for `*.ipxe` in the \
                 root), and clear the cache that holds it"
            }
            Self::Incomplete { .. } => {
                "stage it again if you want it; otherwise pruning deletes it after its grace time"
            }
        }
    }

    /// The path of the finding, if it has one that follows netboot's rules.
    pub fn path(&self) -> Option<&ReleasePath> {
        match self {
            Self::Missing { path }
            | Self::WrongSize { path, .. }
            | Self::WrongDigest { path, .. }
            | Self::Foreign { path }
            | Self::Outdated { path }
            | Self::BrokenPointer { path, .. }
            | Self::UntrustedPointer { path, .. }
            | Self::Refused { path, .. }
            | Self::Redirected { path, .. }
            | Self::CutShort { path, .. }
            | Self::NoLength { path }
            | Self::Stale { path, .. } => Some(path),
            Self::Unknown { .. }
            | Self::MalformedManifest { .. }
            | Self::Signature { .. }
            | Self::Incomplete { .. } => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "`{path}` is missing"),
            Self::WrongSize { path, expected, found: Some(found) } => {
                write!(f, "`{path}` has {} instead of {expected}", counted(*found, "byte"))
            }
            Self::WrongSize { path, found: None, .. } => write!(f, "`{path}` is not a file"),
            Self::WrongDigest { path, expected, found } => {
                write!(f, "`{path}` has digest {found} instead of {expected}")
            }
            Self::Foreign { path } => write!(f, "`{path}` was not written by netboot"),
            Self::Unknown { path } => write!(f, "`{path}` belongs to no release"),
            Self::Outdated { path } => write!(f, "`{path}` does not match the live release"),
            Self::BrokenPointer { path, problem } => write!(f, "pointer `{path}`: {problem}"),
            Self::UntrustedPointer { path, problem } => {
                write!(f, "pointer `{path}` is not trusted: {problem}")
            }
            Self::MalformedManifest { release, problem } => {
                write!(f, "the manifest of release {}: {problem}", release.short())
            }
            Self::Signature { release, problem } => {
                write!(f, "release {}: {problem}", release.short())
            }
            Self::Refused { path, status } => {
                write!(f, "the server answers `{path}` with status {status}")
            }
            Self::Redirected { path, to } => write!(f, "the server redirects `{path}` to {to}"),
            Self::CutShort { path, announced: Some(announced), received } => {
                write!(f, "`{path}` breaks off after {received} of {}", counted(*announced, "byte"))
            }
            Self::CutShort { path, announced: None, received } => {
                write!(f, "`{path}` breaks off after {}", counted(*received, "byte"))
            }
            Self::NoLength { path } => write!(f, "the server sends `{path}` without its length"),
            Self::Stale { path, live, age } => {
                let live = live.as_ref().map_or_else(|| "none".to_owned(), ReleaseId::short);
                write!(f, "machines get an older `{path}`, of release {live}")?;
                age.map_or(Ok(()), |age| write!(f, ", {age} s old"))
            }
            Self::Incomplete { release } => {
                write!(f, "staging or pruning of release {} did not finish", release.short())
            }
        }
    }
}

/// The problem of a pointer whose script differs from its live release.
pub(crate) const NOT_LIVE: &str = "its script differs from the script of the live release";

/// Returns the objects with wrong bytes.
pub(crate) fn damaged(findings: &[Finding]) -> BTreeSet<ReleasePath> {
    let damaged = findings.iter().filter_map(|finding| match finding {
        Finding::WrongDigest { path, .. } => Some(path.clone()),
        _ => None,
    });
    damaged.collect()
}

/// Shows the first findings in one line.
pub(crate) fn first_findings(findings: &[Finding]) -> String {
    let mut parts: Vec<String> = findings.iter().take(3).map(ToString::to_string).collect();
    if findings.len() > 3 {
        parts.push(format!("and {} more", findings.len() - 3));
    }
    parts.join("; ")
}

/// Shows a release, or says that there is none.
pub(crate) fn release_or_none(release: Option<&ReleaseId>) -> String {
    release.map_or_else(|| "no release".to_owned(), ReleaseId::short)
}

/// Shows the release of each site.
pub(crate) fn by_site(releases: &BTreeMap<SiteName, Option<ReleaseId>>) -> String {
    let shown =
        |(site, release): (_, &Option<_>)| format!("{site}: {}", release_or_none(release.as_ref()));
    releases.iter().map(shown).collect::<Vec<String>>().join(", ")
}

/// Shows the size and digest of bytes.
pub(crate) fn bytes_of(content: &Content) -> String {
    format!("{} with digest {}", counted(content.size, "byte"), content.sha256)
}
