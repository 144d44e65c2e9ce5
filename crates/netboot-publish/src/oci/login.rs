//! A login for a registry.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A password, or a token that an authorization server accepts. `Debug` does not show it.
#[derive(Clone)]
pub(super) enum Login {
    Password { user: String, password: String },
    IdentityToken(String),
}

impl Login {
    /// The value of the header `Authorization` (RFC 7617). `None` for a token.
    pub(super) fn basic(&self) -> Option<String> {
        match self {
            Self::Password { user, password } => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            Self::IdentityToken(_) => None,
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } => {
                f.debug_struct("Password").field("user", user).finish_non_exhaustive()
            }
            Self::IdentityToken(_) => f.debug_struct("IdentityToken").finish_non_exhaustive(),
        }
    }
}
