//! The token that requests need to change something.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header};
use netboot_cli::Progress;
use netboot_core::read_regular_text;
use subtle::ConstantTimeEq;

use crate::start_error::StartError;

/// The environment variable with the token, if no file has it.
const VARIABLE: &str = "DEPLOYER_TOKEN";
/// The maximum size in bytes of the file.
const FILE_LIMIT: u64 = 64 * 1024;
/// The minimum length. A shorter token could be guessed.
const SHORTEST: usize = 16;

/// A secret that is never shown. It comes from a file or from the environment. It cannot be in the
/// configuration, because people copy and commit that.
#[derive(Clone)]
pub(crate) struct BearerToken(Arc<str>);

/// The credentials of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The token.
    Token,
    /// Another token.
    Wrong,
    /// Something that is not a bearer token.
    Other,
    /// Nothing.
    Nothing,
}

impl BearerToken {
    /// Reads the file, or else the environment variable `DEPLOYER_TOKEN`. Warns in `log` about a
    /// file that everybody on this machine can read.
    ///
    /// # Errors
    /// [`StartError::Token`] if there is no token, or if it is too short or contains spaces.
    pub(crate) fn load(file: Option<&Path>, log: &Progress) -> Result<Self, StartError> {
        let text = match file {
            Some(path) => read_regular_text(path, FILE_LIMIT).map_err(|error| {
                StartError::Token { problem: crate::causes::with_causes(&error) }
            })?,
            None => std::env::var(VARIABLE).map_err(|_| StartError::Token {
                problem: format!("neither --token-file nor {VARIABLE} is set"),
            })?,
        };
        if let Some(path) = file
            && path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
        {
            let path = path.display();
            log.line(&format!(
                "warning: everybody on this machine can read `{path}`: run `chmod 600` on it"
            ));
        }
        Self::new(&text)
    }

    fn new(text: &str) -> Result<Self, StartError> {
        let token = text.trim();
        if token.len() < SHORTEST {
            let problem = format!("it has fewer than {SHORTEST} characters");
            return Err(StartError::Token { problem });
        }
        if !token.chars().all(|character| character.is_ascii_graphic()) {
            let problem = "it contains characters other than ASCII letters, digits and punctuation"
                .to_owned();
            return Err(StartError::Token { problem });
        }
        Ok(Self(token.into()))
    }

    /// Compares what the headers show with the token, in constant time.
    pub(crate) fn shown_by(&self, headers: &HeaderMap) -> Shown {
        let Some(shown) = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes) else {
            return Shown::Nothing;
        };
        match shown.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => {
                let is_token: bool = token.trim_ascii().ct_eq(self.0.as_bytes()).into();
                if is_token { Shown::Token } else { Shown::Wrong }
            }
            _ => Shown::Other,
        }
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_token_is_accepted_and_it_is_never_printed() {
        let token = BearerToken::new("  0123456789abcdef\n").unwrap();
        let shown = |value: &str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            token.shown_by(&headers)
        };
        for right in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef"] {
            assert_eq!(shown(right), Shown::Token);
        }
        for wrong in ["Bearer 0123456789abcdeF", "Bearer 0123456789abcdef0", "Bearer "] {
            assert_eq!(shown(wrong), Shown::Wrong, "{wrong}");
        }
        for other in ["", "Bearer", "Basic 0123456789abcdef", "0123456789abcdef"] {
            assert_eq!(shown(other), Shown::Other, "{other}");
        }
        assert_eq!(token.shown_by(&HeaderMap::new()), Shown::Nothing);
        assert_eq!(format!("{token:?}"), "BearerToken(***)");
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused() {
        for text in ["", "short", "0123456789 abcdef", "0123456789abcde\u{fc}"] {
            assert!(BearerToken::new(text).is_err(), "{text}");
        }
    }
}
