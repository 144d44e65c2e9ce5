//! Why a request to an S3 server fails, and what to do about it.

mod classify;

use std::fmt;

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
