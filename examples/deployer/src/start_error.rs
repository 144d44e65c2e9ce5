//! What can go wrong when the service starts.

use std::path::{Path, PathBuf};

use crate::config::ConfigError;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The file is not a configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file or a directory cannot be worked with.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// At what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The address is taken, or not one of this machine.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The address makes no URL.
    #[error("{address} makes no URL")]
    Url {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: url::ParseError,
    },
    /// Scripts cannot be written as the file has it.
    #[error("the scripts of machines cannot be made")]
    Scripts(#[from] netboot_ipxe::Error),
    /// There is no token that mutating requests could show.
    #[error("there is no bearer token: {problem}")]
    Token {
        /// Why.
        problem: String,
    },
    /// Another process works in the state directory.
    #[error("another deployer works in `{}`", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
}

impl StartError {
    /// An [`Io`](Self::Io).
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Config(error) => return error.hint(),
            Self::Scripts(error) => return error.hint(),
            Self::Io { .. } => "let this user read and write it, or choose another state-directory",
            Self::Url { .. } => "write `url` into the configuration",
            Self::Listen { .. } => "choose another address for `listen`, or end what is there",
            Self::Token { .. } => {
                "make one (openssl rand -hex 32 > token; chmod 600 token) and name the file with \
                 --token-file, or put it into the variable DEPLOYER_TOKEN"
            }
            Self::InUse { .. } => "end it, or give this one another state-directory",
        };
        Some(hint.to_owned())
    }
}
