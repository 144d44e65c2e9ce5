//! Finds the cause of a failure from the answer of a registry, or from the error of the client.

use std::error::Error as StdError;
use std::io;

use reqwest::StatusCode;

use crate::oci::answer::Answered;
use crate::oci::failure::OciFailure;

impl OciFailure {
    /// Finds the cause from an answer.
    pub(in crate::oci) fn of_answer(answer: &Answered) -> Self {
        match answer.code() {
            Some("DIGEST_INVALID" | "SIZE_INVALID") => return Self::Corrupted,
            Some("TOOMANYREQUESTS") => return Self::Busy,
            // Some registries do not know a repository that the account may not push to.
            Some("DENIED" | "NAME_UNKNOWN") => return Self::AccessDenied,
            _ => {}
        }
        match answer.status {
            StatusCode::UNAUTHORIZED => Self::WrongCredentials,
            StatusCode::FORBIDDEN => Self::AccessDenied,
            StatusCode::PAYLOAD_TOO_LARGE => Self::RequestTooLarge,
            StatusCode::INSUFFICIENT_STORAGE => Self::StorageFull,
            _ if answer.says("no space left on device") => Self::StorageFull,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Self::Busy,
            StatusCode::REQUEST_TIMEOUT => Self::TimedOut,
            StatusCode::NOT_IMPLEMENTED => Self::NotARegistry,
            status if status.is_server_error() => Self::ServerError,
            _ if answer.code().is_none() => Self::NotARegistry,
            _ => Self::Unknown { code: answer.code().map(str::to_owned) },
        }
    }

    /// Finds the cause from an error of the client crate and all its sources.
    pub(in crate::oci) fn of_transport<'e>(error: &'e reqwest::Error) -> Self {
        let below = |error: &&'e (dyn StdError + 'static)| -> Option<&'e (dyn StdError + 'static)> {
            (*error).source()
        };
        let first: &'e (dyn StdError + 'static) = error;
        let chain: Vec<_> = std::iter::successors(Some(first), below).collect();
        let kinds: Vec<io::ErrorKind> = chain
            .iter()
            .filter_map(|error| error.downcast_ref::<io::Error>().map(io::Error::kind))
            .collect();
        // The first error names the URL, whose words are the caller's.
        let said: Vec<String> =
            chain.iter().skip(1).map(|error| error.to_string().to_lowercase()).collect();
        let has = |word: &str| said.iter().any(|text| text.contains(word));
        if kinds.contains(&io::ErrorKind::ConnectionRefused) {
            Self::ConnectionRefused
        } else if error.is_timeout() || kinds.contains(&io::ErrorKind::TimedOut) {
            Self::TimedOut
        } else if has("dns error") || has("failed to lookup") {
            Self::UnknownHost
        } else if has("certificate") || has("invalidcontenttype") || has("handshake") {
            Self::Tls
        } else if error.is_redirect() || error.is_builder() {
            Self::NotARegistry
        } else {
            Self::Interrupted
        }
    }
}
