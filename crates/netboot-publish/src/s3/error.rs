//! The error of a request.

use std::error::Error as StdError;

use super::failure::S3Failure;
use crate::error::Error;

/// Makes the error of a request to `url`.
pub(super) fn request_error(
    action: &'static str,
    url: String,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let failure = S3Failure::of(&source);
    let source: Box<dyn std::error::Error + Send + Sync> = match failure {
        S3Failure::WrongSecretKey => Box::new(RefusedSignature::new(&source)),
        _ => Box::new(source),
    };
    Error::S3 { action, url, failure, source }
}

/// The elements of an answer to a refused signature that repeat the request, as text and in
/// hexadecimal. The request contains the session token in its headers.
const REPEATED: [&str; 2] = ["CanonicalRequest", "CanonicalRequestBytes"];

/// The error of a refused signature with all its sources, without the repeated request.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct RefusedSignature {
    text: String,
}

impl RefusedSignature {
    fn new(error: &(dyn StdError + 'static)) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        for name in REPEATED {
            let (opening, closing) = (format!("<{name}>"), format!("</{name}>"));
            while let Some(begin) = text.find(&opening) {
                let length = text[begin..].find(&closing).map(|at| at + closing.len());
                let end = length.map_or(text.len(), |length| begin + length);
                text.replace_range(begin..end, "");
            }
        }
        Self { text }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn the_token_of_a_session_is_not_told() {
        let answer = "Client error with status code: 403 Forbidden: <Error>\
                      <Code>SignatureDoesNotMatch</Code><Message>Check it.</Message>\
                      <CanonicalRequest>PUT\nx-amz-security-token:a-token</CanonicalRequest>\
                      <CanonicalRequestBytes>61 2d 74</CanonicalRequestBytes></Error>";
        let inner = io::Error::other(answer);
        let outer = io::Error::other(format!("Error performing PUT: {inner}"));
        for error in [inner, outer] {
            let error = request_error("write", "https://s3.example.org/boot/x".to_owned(), error);
            let Error::S3 { failure, source, .. } = &error else { unreachable!() };
            assert_eq!(*failure, S3Failure::WrongSecretKey);
            assert!(source.to_string().contains("Check it."), "{source}");
            let told = format!("{source} {error:?}");
            assert!(!told.contains("a-token") && !told.contains("61 2d 74"), "{told}");
        }
    }
}
