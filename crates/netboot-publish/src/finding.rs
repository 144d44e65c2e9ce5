//! What can be wrong at a target.

use std::collections::BTreeSet;
use std::fmt;

use netboot_core::{ReleaseId, ReleasePath, Sha256Digest, counted};
use serde::Serialize;

use crate::signature::problem::SignatureProblem;

/// One thing at a target that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Finding {
    /// An object of a release, or an entry point, is not there.
    Missing {
        /// Where it belongs.
        path: ReleasePath,
    },
    /// An object is shorter or longer than its manifest says.
    WrongSize {
        /// Where it lies.
        path: ReleasePath,
        /// The size in bytes that the manifest gives.
        expected: u64,
        /// The size in bytes that it has; none if it is no object at all. Over HTTP, where nobody
        /// says how large it is, how much was read of it.
        found: Option<u64>,
    },
    /// An object has other bytes than its manifest says.
    WrongDigest {
        /// Where it lies.
        path: ReleasePath,
        /// The digest that the manifest gives.
        expected: Sha256Digest,
        /// The digest that it has.
        found: Sha256Digest,
    },
    /// A file that netboot did not write lies in the place of a pointer, an entry point or a
    /// link.
    Foreign {
        /// Where it lies.
        path: ReleasePath,
    },
    /// A file below `releases/` or `blobs/` that nothing here explains. Pruning leaves it alone.
    Unknown {
        /// Where it lies; a text, since its name need not be one of netboot's.
        path: String,
    },
    /// An entry point or a link is netboot's own, but not the one of the live release.
    Outdated {
        /// Where it lies.
        path: ReleasePath,
    },
    /// A pointer cannot be understood, or says other than its live release.
    BrokenPointer {
        /// Where it lies.
        path: ReleasePath,
        /// What is wrong, as a clause.
        problem: String,
    },
    /// The release has no manifest that can be understood.
    MalformedManifest {
        /// The release.
        release: ReleaseId,
        /// What is wrong, as a clause.
        problem: String,
    },
    /// A release's manifest has to be signed, and is not as it should be.
    Signature {
        /// The release.
        release: ReleaseId,
        /// What is wrong.
        problem: SignatureProblem,
    },
    /// Over HTTP: the server answers with a status that is neither success nor absence.
    Refused {
        /// Where it was asked for.
        path: ReleasePath,
        /// The status.
        status: u16,
    },
    /// Over HTTP: the server leads elsewhere, to what is not the object, or from http to https,
    /// which the iPXE of network cards does not speak.
    Redirected {
        /// Where it was asked for.
        path: ReleasePath,
        /// Where that led.
        to: String,
    },
    /// Over HTTP: the answer ended too early.
    CutShort {
        /// Where it was asked for.
        path: ReleasePath,
        /// The length in bytes that the server announced.
        announced: Option<u64>,
        /// How many bytes came.
        received: u64,
    },
    /// Over HTTP: the server does not say how long the object is, which UEFI's own HTTP boot
    /// needs to know and iPXE shows its progress by.
    NoLength {
        /// Where it was asked for.
        path: ReleasePath,
    },
    /// Over HTTP: machines get an older pointer than the target has.
    Stale {
        /// The pointer's place.
        path: ReleasePath,
        /// The release that is live by it.
        live: Option<ReleaseId>,
        /// For how many seconds a cache on the way has it, as far as that is told.
        age: Option<u64>,
    },
    /// A release that is being staged or pruned, or whose staging or pruning broke off.
    Incomplete {
        /// The release.
        release: ReleaseId,
    },
}

impl Finding {
    /// What to do about it, as a sentence for an operator.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::WrongSize { .. } | Self::WrongDigest { .. } => {
                "mend it with `repair`; if it lies sound at the target, see that the web server \
                 serves that directory, as it is"
            }
            Self::MalformedManifest { .. } => {
                "mend it with `repair`, or publish the release again: the manifest is written anew"
            }
            Self::Foreign { .. } => {
                "move the file away, or let the publisher replace files of others \
                 (`with_replace_foreign`); over HTTP, see what stands between"
            }
            Self::Unknown { .. } => "move it away if nobody needs it; netboot never deletes it",
            Self::Outdated { .. } => "publish or activate the live release again, which writes it",
            Self::BrokenPointer { .. } => {
                "mend it with `repair`; if its history is damaged, delete it and activate the \
                 release that is to be live"
            }
            Self::Signature { problem, .. } => problem.hint(),
            Self::Refused { status: 401 | 403 | 407, .. } => {
                "let it be read without a password, by everybody: iPXE has none"
            }
            Self::Refused { .. } => "see the web server's log: it does not serve what lies there",
            Self::Redirected { .. } => {
                "serve it at this URL itself, over plain http and without a page to log in at"
            }
            Self::CutShort { .. } => {
                "see that the web server and every proxy on the way send files to their end, \
                 and announce their right length"
            }
            Self::NoLength { .. } => {
                "let the web server announce the length (Content-Length): do not let it compress \
                 or rewrite what it serves"
            }
            Self::Stale { .. } => {
                "let no cache keep the pointer (`Cache-Control: no-cache` for `*.ipxe` in the \
                 root), and clear the one that does"
            }
            Self::Incomplete { .. } => {
                "stage it again if it is wanted; else pruning deletes it after its grace time"
            }
        }
    }

    /// Where it is, if at one path of netboot's.
    pub fn path(&self) -> Option<&ReleasePath> {
        match self {
            Self::Missing { path }
            | Self::WrongSize { path, .. }
            | Self::WrongDigest { path, .. }
            | Self::Foreign { path }
            | Self::Outdated { path }
            | Self::BrokenPointer { path, .. }
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
            Self::WrongSize { path, found: None, .. } => write!(f, "`{path}` is no file"),
            Self::WrongDigest { path, expected, found } => {
                write!(f, "`{path}` has digest {found} instead of {expected}")
            }
            Self::Foreign { path } => write!(f, "`{path}` was not written by netboot"),
            Self::Unknown { path } => write!(f, "`{path}` belongs to nothing"),
            Self::Outdated { path } => write!(f, "`{path}` is not that of the live release"),
            Self::BrokenPointer { path, problem } => write!(f, "pointer `{path}`: {problem}"),
            Self::MalformedManifest { release, problem } => {
                write!(f, "the manifest of release {}: {problem}", release.short())
            }
            Self::Signature { release, problem } => {
                write!(f, "release {}: {problem}", release.short())
            }
            Self::Refused { path, status } => {
                write!(f, "`{path}` is answered with status {status}")
            }
            Self::Redirected { path, to } => write!(f, "`{path}` leads to {to}"),
            Self::CutShort { path, announced: Some(announced), received } => {
                write!(f, "`{path}` breaks off after {received} of {}", counted(*announced, "byte"))
            }
            Self::CutShort { path, announced: None, received } => {
                write!(f, "`{path}` breaks off after {}", counted(*received, "byte"))
            }
            Self::NoLength { path } => write!(f, "`{path}` is sent without its length"),
            Self::Stale { path, live, age } => {
                let live = live.as_ref().map_or_else(|| "none".to_owned(), ReleaseId::short);
                write!(f, "machines get an older `{path}`, of release {live}")?;
                age.map_or(Ok(()), |age| write!(f, ", {age} s old"))
            }
            Self::Incomplete { release } => {
                write!(f, "release {} was not staged or pruned to its end", release.short())
            }
        }
    }
}

/// What a pointer has that says other than its release does.
pub(crate) const NOT_LIVE: &str = "its script is not that of the live release";

/// The objects that have other bytes than they should.
pub(crate) fn damaged(findings: &[Finding]) -> BTreeSet<ReleasePath> {
    let damaged = findings.iter().filter_map(|finding| match finding {
        Finding::WrongDigest { path, .. } => Some(path.clone()),
        _ => None,
    });
    damaged.collect()
}

/// The first findings, in one line.
pub(crate) fn first_findings(findings: &[Finding]) -> String {
    let mut parts: Vec<String> = findings.iter().take(3).map(ToString::to_string).collect();
    if findings.len() > 3 {
        parts.push(format!("and {} more", findings.len() - 3));
    }
    parts.join("; ")
}
