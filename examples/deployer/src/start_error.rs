//! The failures of a start of the service.

use std::path::PathBuf;

use netboot_core::{BackendError, ErrorClass};

/// The reason why the service does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] netboot_cli::Error),
    /// The address is in use, or does not belong to this machine.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// The address cannot be part of a URL.
    #[error("`http://{address}/` is not a valid URL")]
    Url {
        /// The address.
        address: std::net::SocketAddr,
        /// The cause.
        source: url::ParseError,
    },
    /// No script can be rendered from the configuration.
    #[error("cannot render the scripts of machines")]
    Scripts(#[from] netboot_ipxe::Error),
    /// The service has no usable bearer token.
    #[error("no usable bearer token: {problem}")]
    Token {
        /// The problem.
        problem: String,
    },
    /// Another process uses the state directory.
    #[error("another deployer uses `{}`", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
}

impl BackendError for StartError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Config(error) => return error.hint(),
            Self::Scripts(error) => return error.hint(),
            Self::Url { .. } => "set `url` in the configuration",
            Self::Listen { .. } => {
                "choose another address for `listen`, or stop the program that uses this one"
            }
            Self::Token { .. } => {
                "make a token (openssl rand -hex 32 > token; chmod 600 token) and name its file with \
                 --token-file, or set the environment variable DEPLOYER_TOKEN"
            }
            Self::InUse { .. } => "stop it, or give this deployer another state-directory",
        };
        Some(hint.to_owned())
    }

    fn class(&self) -> ErrorClass {
        match self {
            Self::Config(error) => error.class(),
            Self::Scripts(error) => error.class(),
            Self::Listen { source, .. } => ErrorClass::of_io(source),
            Self::Url { .. } | Self::Token { .. } | Self::InUse { .. } => ErrorClass::Input,
        }
    }
}
