//! The errors of this crate.

use std::path::PathBuf;

use netboot_core::{BackendError, ReleaseId};

/// The number of releases that a message names.
const NAMED_RELEASES: usize = 10;

/// An error in the words of a command line or of `netboot.toml`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text is not the location of a target.
    #[error("`{text}` is not a target: {problem}")]
    InvalidTarget {
        /// The text.
        text: String,
        /// The problem with it.
        problem: String,
    },
    /// There is no target at a directory.
    #[error("`{}` is no directory", path.display())]
    NoSuchDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// Nobody has published to a target.
    #[error("nothing is published at `{target}`")]
    NothingPublished {
        /// The target, as it was written.
        target: String,
    },
    /// No release at a target has an id that begins like this.
    #[error("no release there has an id that begins with `{prefix}`")]
    NoSuchRelease {
        /// The first digits.
        prefix: String,
        /// The releases that are there.
        releases: Vec<ReleaseId>,
    },
    /// Several releases have ids that begin like this.
    #[error("`{prefix}` begins the ids of several releases: {}", named(.candidates))]
    AmbiguousRelease {
        /// The first digits.
        prefix: String,
        /// The releases.
        candidates: Vec<ReleaseId>,
    },
}

impl Error {
    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::InvalidTarget { .. } => "write a directory, `s3://BUCKET/PREFIX`, \
                 `USER@HOST:/PATH`, `rsync://HOST/MODULE/PATH`, or the name of a target in \
                 netboot.toml"
                .to_owned(),
            Self::NoSuchDirectory { .. } => {
                "correct the path; a target that nobody published to has nothing to show".to_owned()
            }
            Self::NothingPublished { .. } => {
                "correct the target, or publish to it first".to_owned()
            }
            Self::NoSuchRelease { releases, .. } if releases.is_empty() => {
                "publish a release there first".to_owned()
            }
            Self::NoSuchRelease { releases, .. } => {
                format!("name one of the releases that are there: {}", named(releases))
            }
            Self::AmbiguousRelease { .. } => "give enough digits to tell them apart".to_owned(),
        })
    }
}

impl BackendError for Error {
    fn hint(&self) -> Option<String> {
        self.hint()
    }
}

/// Names releases by as many digits as tell them apart, and at least by those that messages print.
fn named(releases: &[ReleaseId]) -> String {
    let mut ids: Vec<String> = releases.iter().map(ToString::to_string).collect();
    ids.sort_unstable();
    let alike = |pair: &[String]| {
        pair[0].bytes().zip(pair[1].bytes()).take_while(|(one, other)| one == other).count()
    };
    let shown = releases.iter().map(|release| release.short().len());
    let digits = ids.windows(2).map(|pair| alike(pair) + 1).chain(shown).max().unwrap_or_default();
    let cut = ids.iter().take(NAMED_RELEASES).map(|id| id.get(..digits).unwrap_or(id).to_owned());
    let mut named = cut.collect::<Vec<_>>().join(", ");
    if ids.len() > NAMED_RELEASES {
        named.push_str(&format!(", and {} more", ids.len() - NAMED_RELEASES));
    }
    named
}
