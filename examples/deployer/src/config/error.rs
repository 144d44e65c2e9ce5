//! What can be wrong with the file.

use std::path::{Path, PathBuf};

use crate::causes::with_causes;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, has a key that is not known, or a value that its key cannot have.
    #[error("`{}` is not a configuration of the deployer", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        source: Box<toml::de::Error>,
    },
    /// A value is fine by itself, and cannot be worked with.
    #[error("`{}`: {key}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, with those it lies below.
        key: String,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl ConfigError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some(
                "name the file with --config, and let this user read it; examples/deployer/\
                 deployer.toml of the sources is one to begin with"
                    .to_owned(),
            ),
            Self::Malformed { .. } => {
                Some("the line and the key are above; keys are spelled with hyphens".to_owned())
            }
            Self::Invalid { hint, .. } => hint.clone(),
        }
    }
}

/// A [`ConfigError::Invalid`] before it is known which file it is in.
#[derive(Debug)]
pub(super) struct Problem {
    key: String,
    text: String,
    hint: Option<String>,
}

impl Problem {
    /// Something that is wrong with the value of `key`.
    pub(super) fn new(
        key: impl Into<String>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), text: problem.into(), hint: Some(hint.into()) }
    }

    /// What a library found wrong with the value of `key`, causes included.
    pub(super) fn of(
        key: impl Into<String>,
        error: &(dyn std::error::Error + 'static),
        hint: Option<String>,
    ) -> Self {
        Self { key: key.into(), text: with_causes(error), hint }
    }

    pub(super) fn in_file(self, path: &Path) -> ConfigError {
        let Self { key, text: problem, hint } = self;
        ConfigError::Invalid { path: path.to_owned(), key, problem, hint }
    }
}
