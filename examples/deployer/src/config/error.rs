//! Errors in the configuration.

use std::path::{Path, PathBuf};

use crate::causes::with_causes;

/// The reason why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not TOML, or it has an unknown key or a value of the wrong type.
    #[error("`{}` is not a configuration of the deployer", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The place and the cause.
        source: Box<toml::de::Error>,
    },
    /// A value has the right type, but cannot be used.
    #[error("`{}`: {key}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The key, with the keys above it.
        key: String,
        /// The problem with the value.
        problem: String,
        /// The remedy.
        hint: Option<String>,
    },
}

impl ConfigError {
    /// The remedy.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some(
                "name the file with --config, and let this user read it; start from \
                 examples/deployer/deployer.toml of the sources"
                    .to_owned(),
            ),
            Self::Malformed { .. } => Some(
                "correct the line and the key that are named above; keys have hyphens".to_owned(),
            ),
            Self::Invalid { hint, .. } => hint.clone(),
        }
    }
}

/// A [`ConfigError::Invalid`] without its file.
#[derive(Debug)]
pub(super) struct Problem {
    key: String,
    text: String,
    hint: Option<String>,
}

impl Problem {
    /// A problem with the value of `key`.
    pub(super) fn new(
        key: impl Into<String>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), text: problem.into(), hint: Some(hint.into()) }
    }

    /// A problem with the value of `key` that a library found, including the causes.
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
