use std::fmt;

use netboot_core::{ReleaseId, ReleasePath, Sha256Digest};
use serde::Serialize;

use crate::SignatureProblem;

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
        /// The size in bytes that it has; none if it is no object at all.
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
    /// A release that is being staged or pruned, or whose staging or pruning broke off.
    Incomplete {
        /// The release.
        release: ReleaseId,
    },
}

impl Finding {
    /// Where it is, if at one path of netboot's.
    pub fn path(&self) -> Option<&ReleasePath> {
        match self {
            Self::Missing { path }
            | Self::WrongSize { path, .. }
            | Self::WrongDigest { path, .. }
            | Self::Foreign { path }
            | Self::Outdated { path }
            | Self::BrokenPointer { path, .. } => Some(path),
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
                write!(f, "`{path}` has {found} bytes instead of {expected}")
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
            Self::Incomplete { release } => {
                write!(f, "release {} was not staged or pruned to its end", release.short())
            }
        }
    }
}
