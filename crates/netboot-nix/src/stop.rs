//! The reason why work ended without a result.

use netboot_core::ProfileName;

use crate::error::Error;

/// The builder's name in messages and manifests.
pub(crate) const NAME: &str = "nix";

/// The reason why work ended without a result.
#[derive(Debug)]
pub(crate) enum Stop {
    Cancelled,
    Failed(Error),
    /// `netboot-core` refuses a value or a file of a configuration.
    Core(netboot_core::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<netboot_core::Error> for Stop {
    fn from(error: netboot_core::Error) -> Self {
        match error {
            netboot_core::Error::Cancelled => Self::Cancelled,
            error => Self::Core(error),
        }
    }
}

impl From<netboot_core::InvalidValue> for Stop {
    fn from(error: netboot_core::InvalidValue) -> Self {
        Self::Core(error.into())
    }
}

impl Stop {
    /// The error that a builder returns for `profile`.
    pub(crate) fn into_core(self, profile: &ProfileName) -> netboot_core::Error {
        match self {
            Self::Cancelled => netboot_core::Error::Cancelled,
            Self::Failed(error) => netboot_core::Error::build(NAME, profile, error),
            Self::Core(error) => error.of_profile(NAME, profile),
        }
    }

    /// The error that a builder returns if it cannot list the configurations of its flake.
    pub(crate) fn into_listing(self) -> netboot_core::Error {
        match self {
            Self::Cancelled => netboot_core::Error::Cancelled,
            Self::Failed(error) => netboot_core::Error::listing(NAME, error),
            Self::Core(error) => netboot_core::Error::listing(NAME, error),
        }
    }
}

/// Runs `work` on a thread that may block; see [`netboot_core::blocking`].
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Stop> {
    netboot_core::blocking(move || work().map_err(Stop::from)).await
}
