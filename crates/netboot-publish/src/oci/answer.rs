//! The answers of a registry, read up to a limit.

use std::fmt;

use bytes::Bytes;
use foreign_text::ForeignText;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

/// The most bytes that are kept of an answer that tells an error.
const ERROR_LIMIT: u64 = 64 * 1024;
/// The most codes that are kept.
const MOST_CODES: usize = 16;

/// An answer that tells an error: its status, and the registry's code and words.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    /// The codes of the registry's list of errors.
    codes: Vec<String>,
    text: ForeignText,
}

/// The errors of a registry; see "Error Codes" in the OCI distribution specification.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<OneError>,
}

#[derive(Deserialize)]
struct OneError {
    code: String,
}

impl Answered {
    /// Reads the body of an error. What has not come whole is left out.
    pub(super) async fn read(response: Response) -> Self {
        let status = response.status();
        let body = bounded(response, ERROR_LIMIT).await.ok().flatten().unwrap_or_default();
        let errors = serde_json::from_slice::<Errors>(&body).ok();
        let is_code = |code: &String| {
            code.len() <= 64 && code.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        };
        let codes = errors.into_iter().flat_map(|errors| errors.errors).map(|error| error.code);
        let codes = codes.filter(is_code).take(MOST_CODES).collect();
        Self { status, codes, text: ForeignText::line(String::from_utf8_lossy(&body)) }
    }

    /// The first code of the registry's list of errors.
    pub(super) fn code(&self) -> Option<&str> {
        self.codes.first().map(String::as_str)
    }

    /// Returns true if one of the errors has this code.
    pub(super) fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|it| it == code)
    }

    /// Returns true if the words contain `text`.
    pub(super) fn says(&self, text: &str) -> bool {
        self.text.as_str().contains(text)
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the registry answered {}", self.status)?;
        let text = self.text.as_str().trim();
        if text.is_empty() { Ok(()) } else { write!(f, ": {text}") }
    }
}

impl std::error::Error for Answered {}

/// Reads a body of at most `limit` bytes. Returns `None` if it is longer.
pub(super) async fn bounded(
    mut response: Response,
    limit: u64,
) -> Result<Option<Bytes>, reqwest::Error> {
    let mut read = Vec::new();
    while let Some(piece) = response.chunk().await? {
        read.extend_from_slice(&piece);
        if read.len() as u64 > limit {
            return Ok(None);
        }
    }
    Ok(Some(read.into()))
}
