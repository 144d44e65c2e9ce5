//! The causes of failed requests to an S3 server, and the remedy for each.

mod class;
mod classify;

use std::fmt;

/// The reason why a request to an S3-compatible server failed, as far as the error shows it.
///
/// The codes are from Amazon's list, which other servers use as well:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum S3Failure {
    /// The bucket does not exist.
    NoSuchBucket,
    /// The object was there a moment before, and does not exist any more.
    NoSuchObject,
    /// The clocks of this machine and of the server differ too much.
    ClockSkew,
    /// The server does not know the access key.
    UnknownAccessKey,
    /// The signature is wrong: the secret key does not belong to the access key.
    WrongSecretKey,
    /// The session of the keys has expired.
    ExpiredCredentials,
    /// No keys were found, or the environment names keys that could not be fetched.
    NoCredentials,
    /// The provider of a caller gave no keys.
    NoKeysGiven,
    /// A key or the session token contains a character that no request can hold.
    InvalidKeys,
    /// The keys have no permission for the request.
    AccessDenied,
    /// The bucket is in another region, or at another endpoint.
    WrongRegion {
        /// The region that the server names.
        expected: Option<String>,
    },
    /// The server sends its clients to another one, for which the signature is not valid.
    Redirected {
        /// The endpoint of the other server.
        to: String,
    },
    /// No server listens at the endpoint, or something on the way refused the connection.
    ConnectionRefused,
    /// The host name of the endpoint cannot be resolved.
    UnknownHost,
    /// TLS failed: the certificate is not trusted, or the endpoint does not speak TLS.
    Tls,
    /// No answer arrived in time.
    TimedOut,
    /// The connection was lost, also when the request was repeated.
    Interrupted,
    /// The server is overloaded, also when the request was repeated.
    Busy,
    /// The server has no space left, or the quota is used up.
    StorageFull,
    /// The request is too large for the server, or for a proxy in front of it.
    RequestTooLarge,
    /// The server received other bytes than were sent.
    Corrupted,
    /// The server does not implement the request.
    NotImplemented,
    /// The answer is not one that an S3 server gives.
    NotS3,
    /// Another reason.
    Unknown {
        /// The code of the server's error, if it gave one.
        code: Option<String>,
    },
}

impl S3Failure {
    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> String {
        match self {
            Self::NoSuchBucket => {
                "check the spelling of the bucket, the endpoint and the account; netboot does not \
                 create buckets"
                    .to_owned()
            }
            Self::NoSuchObject => {
                "try again; if it happens again, find out who deletes objects of the target, for \
                 example a lifecycle rule of the bucket"
                    .to_owned()
            }
            Self::ClockSkew => {
                "set this machine's clock, preferably by NTP (`timedatectl set-ntp true`): a \
                 signature is valid for 15 minutes"
                    .to_owned()
            }
            Self::UnknownAccessKey => {
                "check the access key, and that it belongs to this endpoint".to_owned()
            }
            Self::WrongSecretKey => {
                "check that the secret key belongs to the access key and was copied completely and \
                 without quotes; behind a proxy, check that it passes the `Host` header on"
                    .to_owned()
            }
            Self::ExpiredCredentials => "log in again, or renew the keys of the session".to_owned(),
            Self::NoCredentials => {
                "set the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and \
                 AWS_SESSION_TOKEN for temporary keys, or give the store its keys; to use a \
                 profile or single sign-on, write a credential provider"
                    .to_owned()
            }
            Self::NoKeysGiven => {
                "correct what the provider of the keys reads: the cause says what it lacks"
                    .to_owned()
            }
            Self::InvalidKeys => {
                "remove the line break or the other odd character from the keys where they are \
                 kept, for example from the end of a file or a secret"
                    .to_owned()
            }
            Self::RequestTooLarge => {
                "make the parts smaller (`part_size`, at least 5 MiB), or raise the limit of the \
                 proxy in front of the server (nginx: `client_max_body_size`)"
                    .to_owned()
            }
            Self::AccessDenied => {
                "give the keys s3:ListBucket and s3:ListBucketMultipartUploads on the bucket, and \
                 s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the \
                 objects below the prefix; without s3:ListBucket, S3 also answers so for a missing \
                 object"
                    .to_owned()
            }
            Self::WrongRegion { expected: Some(region) } => {
                format!("set the region to `{region}`")
            }
            Self::WrongRegion { expected: None } => {
                "set the region and the endpoint to those of the bucket".to_owned()
            }
            Self::Redirected { to } => {
                format!("set the endpoint to `{to}`, where the bucket is")
            }
            Self::ConnectionRefused => {
                "check the endpoint's host and port, the firewall, and that the server is running"
                    .to_owned()
            }
            Self::UnknownHost => {
                "check the endpoint's host name; a self-hosted server often needs path style, \
                 which keeps the bucket out of the host name"
                    .to_owned()
            }
            Self::Tls => {
                "add the certificate of the authority that signed the endpoint's certificate; if \
                 the endpoint speaks plain HTTP, write `http://` and allow it"
                    .to_owned()
            }
            Self::TimedOut | Self::Interrupted => {
                "check the network, and publish again: objects that arrived are not sent again; on \
                 a slow line, raise the timeout or make the parts smaller"
                    .to_owned()
            }
            Self::Busy => "publish again later, or with a lower parallelism".to_owned(),
            Self::StorageFull => {
                "free space or prune old releases, then publish again; the live release was not \
                 changed"
                    .to_owned()
            }
            Self::Corrupted => {
                "publish again; if it happens again, test this machine's memory and network"
                    .to_owned()
            }
            Self::NotImplemented => {
                "turn off the features that the server lacks: `server_checksums(false)`, \
                 `batch_delete(false)`"
                    .to_owned()
            }
            Self::NotS3 => {
                "check that the endpoint is an S3 server and not another web server".to_owned()
            }
            Self::Unknown { .. } => "read the cause in the server's message".to_owned(),
        }
    }
}

impl fmt::Display for S3Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchBucket => "the bucket does not exist",
            Self::NoSuchObject => "somebody deleted the object meanwhile",
            Self::ClockSkew => "the clocks of this machine and of the server differ too much",
            Self::UnknownAccessKey => "the server does not know the access key",
            Self::WrongSecretKey => "the secret key is wrong",
            Self::ExpiredCredentials => "the session of the keys has expired",
            Self::NoCredentials => "no credentials were found",
            Self::NoKeysGiven => "the provider of the keys gave none",
            Self::InvalidKeys => "the keys contain a character that no request can hold",
            Self::RequestTooLarge => "the request is too large for the server",
            Self::AccessDenied => "access denied",
            Self::WrongRegion { expected: Some(region) } => {
                return write!(f, "the bucket is in region `{region}`");
            }
            Self::WrongRegion { expected: None } => "the bucket is in another region",
            Self::Redirected { to } => {
                return write!(f, "the server sends its clients to `{to}`");
            }
            Self::ConnectionRefused => "the connection was refused",
            Self::UnknownHost => "the endpoint's host name cannot be resolved",
            Self::Tls => "the TLS connection failed",
            Self::TimedOut => "no answer arrived in time",
            Self::Interrupted => "the connection was lost",
            Self::Busy => "the server is overloaded",
            Self::StorageFull => "the server has no space left",
            Self::Corrupted => "the server received other bytes than were sent",
            Self::NotImplemented => "the server does not implement the request",
            Self::NotS3 => "the answer is not from an S3 server",
            Self::Unknown { code: Some(code) } => return write!(f, "the server answered `{code}`"),
            Self::Unknown { code: None } => "the request failed",
        })
    }
}
