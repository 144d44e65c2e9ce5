//! Why a request to an S3 server fails, read from what the client crate says.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};

/// What went wrong with a request to an S3-compatible server, as far as it can be told.
///
/// The codes are those of Amazon's list, which other servers use as well:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum S3Failure {
    /// There is no such bucket.
    NoSuchBucket,
    /// The clock of this machine is too far from that of the server.
    ClockSkew,
    /// The server does not know the access key.
    UnknownAccessKey,
    /// The signature is not the one that the secret of the access key makes.
    WrongSecretKey,
    /// The session of the keys has ended.
    ExpiredCredentials,
    /// No keys were found, or those that the environment promises could not be had.
    NoCredentials,
    /// The keys do not have the right to do that.
    AccessDenied,
    /// The bucket is in another region, or at another endpoint.
    WrongRegion {
        /// The region that the server names.
        expected: Option<String>,
    },
    /// Nobody listens at the endpoint, or the connection was refused on the way.
    ConnectionRefused,
    /// The name of the endpoint's host is not known.
    UnknownHost,
    /// No connection by TLS: the certificate is not trusted, or the endpoint does not speak TLS.
    Tls,
    /// No answer came in time.
    TimedOut,
    /// The connection broke, again and again.
    Interrupted,
    /// The server is overloaded, and stayed so.
    Busy,
    /// The server has no space left, or the quota is used up.
    StorageFull,
    /// The server found that other bytes came than were sent.
    Corrupted,
    /// The server does not implement what was asked for.
    NotImplemented,
    /// An answer is none that S3 gives.
    NotS3,
    /// Something else.
    Unknown {
        /// The code of the server's error, if it gave one.
        code: Option<String>,
    },
}

impl S3Failure {
    /// Reads an error with all its sources.
    pub(super) fn of<'e>(error: &'e (dyn StdError + 'static)) -> Self {
        let below = |error: &&'e (dyn StdError + 'static)| -> Option<&'e (dyn StdError + 'static)> {
            (*error).source()
        };
        let chain: Vec<_> = std::iter::successors(Some(error), below).collect();
        let text = chain.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Self::of_answer(&text)
            .or_else(|| Self::of_transport(&chain, &text))
            .unwrap_or_else(|| Self::Unknown { code: element(&text, "Code").map(str::to_owned) })
    }

    /// What the answer of a server says: by its code, or by its status alone.
    fn of_answer(text: &str) -> Option<Self> {
        match element(text, "Code") {
            // A code that nobody knows, as of a proxy in between, leaves the status.
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
            "NoSuchBucket" => Some(Self::NoSuchBucket),
            "RequestTimeTooSkewed" | "RequestExpired" => Some(Self::ClockSkew),
            "InvalidAccessKeyId" => Some(Self::UnknownAccessKey),
            "SignatureDoesNotMatch" => Some(Self::WrongSecretKey),
            "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => {
                Some(Self::ExpiredCredentials)
            }
            "MissingAuthenticationToken" | "MissingSecurityHeader" => Some(Self::NoCredentials),
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => Some(Self::AccessDenied),
            "AuthorizationHeaderMalformed" if element(text, "Region").is_some() => elsewhere(),
            "PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException" => {
                elsewhere()
            }
            "SlowDown" | "ServiceUnavailable" | "TooManyRequests" => Some(Self::Busy),
            "InsufficientStorage" | "QuotaExceeded" | "XMinioStorageFull" => {
                Some(Self::StorageFull)
            }
            "BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch" => {
                Some(Self::Corrupted)
            }
            "NotImplemented" | "MethodNotAllowed" => Some(Self::NotImplemented),
            _ => None,
        }
    }

    /// By the words that the client crate puts it in.
    fn of_status(text: &str) -> Option<Self> {
        let has = |word: &str| text.contains(word);
        let status = |codes: &[&str]| codes.iter().any(|code| has(&format!("status code: {code}")));
        if has("Received redirect") || status(&["301", "307"]) {
            Some(Self::WrongRegion { expected: None })
        } else if status(&["401", "403"]) {
            Some(Self::AccessDenied)
        } else if status(&["429", "503"]) {
            Some(Self::Busy)
        } else if status(&["507"]) {
            Some(Self::StorageFull)
        } else if status(&["501"]) {
            Some(Self::NotImplemented)
        // To both, S3 servers give a code: so it is some other web server.
        } else if status(&["404", "405"]) || has("Got invalid") || has("Unable to extract metadata")
        {
            Some(Self::NotS3)
        } else {
            None
        }
    }

    fn of_transport(chain: &[&(dyn StdError + 'static)], text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        // Without URLs: a host, a bucket or a prefix may have any name.
        let words: Vec<&str> =
            lower.split_whitespace().filter(|word| !word.contains("://")).collect();
        let said = words.join(" ");
        let has = |word: &str| said.contains(word);
        // Half of a pair; or the last resort, the instance's and the container's own services.
        let keys = ["secretaccesskey", "accesskeyid", "credential"];
        let services = ["169.254.169.254", "169.254.170.2", "/latest/meta-data/", "/latest/api/"];
        if keys.iter().any(|word| has(word)) || services.iter().any(|at| lower.contains(at)) {
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

    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoSuchBucket => {
                "check the spelling of the bucket, the endpoint and the account; buckets are not \
                 made by publishing"
                    .to_owned()
            }
            Self::ClockSkew => {
                "set this machine's clock, best by NTP (`timedatectl set-ntp true`): signatures \
                 are valid for a quarter of an hour"
                    .to_owned()
            }
            Self::UnknownAccessKey => {
                "check the access key, and that it belongs to this endpoint".to_owned()
            }
            Self::WrongSecretKey => {
                "check the secret key: it is not that of the access key, or it was cut or quoted \
                 when it was copied; behind a proxy, check that it passes the `Host` header on"
                    .to_owned()
            }
            Self::ExpiredCredentials => "log in again, or renew the session's keys".to_owned(),
            Self::NoCredentials => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the store its keys; \
                 profiles and single sign-on need a credential provider"
                    .to_owned()
            }
            Self::AccessDenied => {
                "publishing needs s3:ListBucket and s3:ListBucketMultipartUploads on the bucket, \
                 and s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on \
                 what is below the prefix"
                    .to_owned()
            }
            Self::WrongRegion { expected: Some(region) } => {
                format!("set the region to `{region}`")
            }
            Self::WrongRegion { expected: None } => {
                "set the region and the endpoint of the bucket".to_owned()
            }
            Self::ConnectionRefused => {
                "check the endpoint's host and port, that the server runs, and the firewall"
                    .to_owned()
            }
            Self::UnknownHost => {
                "check the endpoint's host name; a server of one's own often needs path style, \
                 where the bucket is not a part of the host name"
                    .to_owned()
            }
            Self::Tls => {
                "add the certificate of the authority that signed the endpoint's, or, where the \
                 endpoint speaks plain HTTP, write `http://` and allow it"
                    .to_owned()
            }
            Self::TimedOut | Self::Interrupted => {
                "check the network, and publish again: what was sent is not sent again; on a slow \
                 line, raise the timeout or make the parts smaller"
                    .to_owned()
            }
            Self::Busy => "publish again later, or with less parallelism".to_owned(),
            Self::StorageFull => {
                "free space or prune old releases, then publish again; what is live was not \
                 touched"
                    .to_owned()
            }
            Self::Corrupted => {
                "publish again; if it happens again, test this machine's memory and network"
                    .to_owned()
            }
            Self::NotImplemented => {
                "turn off what the server lacks: `server_checksums(false)`, `batch_delete(false)`"
                    .to_owned()
            }
            Self::NotS3 => "check that the endpoint is an S3 server and no web page".to_owned(),
            Self::Unknown { .. } => "the server's message says why".to_owned(),
        }
    }
}

impl fmt::Display for S3Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchBucket => "there is no such bucket",
            Self::ClockSkew => "this machine's clock is too far from the server's",
            Self::UnknownAccessKey => "the server does not know the access key",
            Self::WrongSecretKey => "the secret key is wrong",
            Self::ExpiredCredentials => "the session of the keys has ended",
            Self::NoCredentials => "there are no keys",
            Self::AccessDenied => "access denied",
            Self::WrongRegion { expected: Some(region) } => {
                return write!(f, "the bucket is in region `{region}`");
            }
            Self::WrongRegion { expected: None } => "the bucket is in another region",
            Self::ConnectionRefused => "the connection was refused",
            Self::UnknownHost => "the endpoint's host is not known",
            Self::Tls => "no connection by TLS",
            Self::TimedOut => "no answer in time",
            Self::Interrupted => "the connection broke",
            Self::Busy => "the server is overloaded",
            Self::StorageFull => "the server has no space left",
            Self::Corrupted => "the server received other bytes than were sent",
            Self::NotImplemented => "the server does not implement it",
            Self::NotS3 => "the answer is none of an S3 server",
            Self::Unknown { code: Some(code) } => return write!(f, "the server says `{code}`"),
            Self::Unknown { code: None } => "the request failed",
        })
    }
}

/// The text of the first element of that name in an answer.
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
            "http://s3.example.org/boot/latest/certificates/current.ipxe",
        ] {
            assert_eq!(late(url), S3Failure::TimedOut, "{url}");
        }
        for url in [
            "http://169.254.169.254/latest/api/token",
            "http://169.254.170.2/v2/credentials",
            "http://metadata.example.org/latest/meta-data/iam/security-credentials/",
        ] {
            assert_eq!(late(url), S3Failure::NoCredentials, "{url}");
        }
    }
}
