//! Finds the cause of a failure from the error of the client crate.

use std::error::Error as StdError;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};

use crate::s3::credentials::{InvalidKey, NoKeys};
use crate::s3::failure::S3Failure;

impl S3Failure {
    /// Finds the cause from an error and all its sources.
    pub(in crate::s3) fn of<'e>(error: &'e (dyn StdError + 'static)) -> Self {
        let below = |error: &&'e (dyn StdError + 'static)| -> Option<&'e (dyn StdError + 'static)> {
            (*error).source()
        };
        let chain: Vec<_> = std::iter::successors(Some(error), below).collect();
        if let Some(none) = chain.iter().find_map(|error| error.downcast_ref::<NoKeys>()) {
            return if none.is_given { Self::NoKeysGiven } else { Self::NoCredentials };
        }
        if chain.iter().any(|error| error.downcast_ref::<InvalidKey>().is_some()) {
            return Self::InvalidKeys;
        }
        let text = chain.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Self::of_answer(&text)
            .or_else(|| Self::of_transport(&chain, &text))
            .unwrap_or_else(|| Self::Unknown { code: element(&text, "Code").map(str::to_owned) })
    }

    /// Finds the cause from the server's answer: from its code, or from its status.
    fn of_answer(text: &str) -> Option<Self> {
        match element(text, "Code") {
            // An unknown code, for example from a proxy, says nothing. Use the status.
            Some(code) => Self::of_code(code, text).or_else(|| Self::of_status(text)),
            None => Self::of_status(text),
        }
    }

    fn of_code(code: &str, text: &str) -> Option<Self> {
        let elsewhere = || {
            let expected = element(text, "Region").map(str::to_owned);
            Some(Self::WrongRegion { expected })
        };
        match code {
            "Redirected" | "AuthorizationHeaderMalformed" if element(text, "Region").is_some() => {
                elsewhere()
            }
            "Redirected" => Some(match element(text, "Endpoint") {
                Some(to) => Self::Redirected { to: to.to_owned() },
                None => Self::NotS3,
            }),
            "NoSuchBucket" => Some(Self::NoSuchBucket),
            "NoSuchKey" => Some(Self::NoSuchObject),
            "RequestTimeTooSkewed" | "RequestExpired" => Some(Self::ClockSkew),
            "InvalidAccessKeyId" => Some(Self::UnknownAccessKey),
            "SignatureDoesNotMatch" => Some(Self::WrongSecretKey),
            "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => {
                Some(Self::ExpiredCredentials)
            }
            "MissingAuthenticationToken" | "MissingSecurityHeader" => Some(Self::NoCredentials),
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => Some(Self::AccessDenied),
            "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException" => {
                elsewhere()
            }
            "SlowDown"
            | "ServiceUnavailable"
            | "TooManyRequests"
            | "ConditionalRequestConflict"
            | "OperationAborted" => Some(Self::Busy),
            "InsufficientStorage" | "QuotaExceeded" | "XMinioStorageFull" => {
                Some(Self::StorageFull)
            }
            "BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch" => {
                Some(Self::Corrupted)
            }
            "EntityTooLarge" | "MaxMessageLengthExceeded" => Some(Self::RequestTooLarge),
            "NotImplemented" | "MethodNotAllowed" => Some(Self::NotImplemented),
            _ => None,
        }
    }

    /// Finds the cause from the status, in the words of the client crate.
    fn of_status(text: &str) -> Option<Self> {
        let has = |word: &str| text.contains(word);
        let status = |codes: &[&str]| codes.iter().any(|code| has(&format!("status code: {code}")));
        if has("Received redirect") || status(&["301", "307"]) {
            Some(Self::WrongRegion { expected: None })
        } else if status(&["401", "403"]) {
            Some(Self::AccessDenied)
        } else if status(&["409", "429", "503"]) {
            Some(Self::Busy)
        } else if status(&["413"]) {
            Some(Self::RequestTooLarge)
        } else if status(&["507"]) {
            Some(Self::StorageFull)
        } else if status(&["501"]) {
            Some(Self::NotImplemented)
        // An S3 server sends a code with both, so this is another web server.
        } else if status(&["404", "405"]) || has("Got invalid") || has("Unable to extract metadata")
        {
            Some(Self::NotS3)
        } else {
            None
        }
    }

    fn of_transport(chain: &[&(dyn StdError + 'static)], text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        // Ignore URLs, because the names of hosts, buckets and prefixes are arbitrary.
        let words: Vec<&str> =
            lower.split_whitespace().filter(|word| !word.contains("://")).collect();
        let said = words.join(" ");
        let has = |word: &str| said.contains(word);
        // One key of the pair is missing.
        if has("missing secretaccesskey") || has("missing accesskeyid") {
            return Some(Self::NoCredentials);
        }
        let kinds: Vec<io::ErrorKind> = chain
            .iter()
            .filter_map(|error| error.downcast_ref::<io::Error>().map(io::Error::kind))
            .collect();
        if kinds.contains(&io::ErrorKind::ConnectionRefused) || has("connection refused") {
            return Some(Self::ConnectionRefused);
        }
        if has("certificate") || has("invalidcontenttype") || has("tls") || has("handshake") {
            return Some(Self::Tls);
        }
        if has("dns error") || has("failed to lookup") {
            return Some(Self::UnknownHost);
        }
        let http = chain.iter().find_map(|error| error.downcast_ref::<HttpError>());
        match http.map(HttpError::kind)? {
            HttpErrorKind::Timeout => Some(Self::TimedOut),
            HttpErrorKind::Interrupted | HttpErrorKind::Request | HttpErrorKind::Connect => {
                Some(Self::Interrupted)
            }
            HttpErrorKind::Decode => Some(Self::NotS3),
            _ => None,
        }
    }
}

/// The text of the first element with this name in an answer.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let begin = text.find(&format!("<{name}>"))? + name.len() + 2;
    let length = text[begin..].find('<')?;
    Some(text[begin..begin + length].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_bucket_is_no_reason() {
        let late = |url: &str| {
            let said = io::Error::other(format!("error sending request for url ({url})"));
            S3Failure::of(&HttpError::new(HttpErrorKind::Timeout, said))
        };
        for url in [
            "http://tls.example.org/boot/current.ipxe",
            "http://s3.example.org/credentials/current.ipxe",
            "http://s3.example.org/missing/secretaccesskey/latest/api/token",
            "http://s3.example.org/boot/latest/certificates/current.ipxe",
        ] {
            assert_eq!(late(url), S3Failure::TimedOut, "{url}");
        }
    }
}
