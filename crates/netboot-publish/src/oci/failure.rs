//! The causes of failed requests to a registry, and the remedy for each.

mod class;
mod classify;

use std::fmt;

/// The reason why a request to a registry failed, as far as the answer shows it.
///
/// The codes are those of the OCI distribution specification, which has a list of them:
/// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes>.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OciFailure {
    /// The registry wants credentials, and none were found.
    NoCredentials,
    /// The registry refuses the credentials.
    WrongCredentials,
    /// The credentials have no permission for the request.
    AccessDenied,
    /// A helper program for credentials failed.
    CredentialHelper {
        /// The program.
        program: String,
        /// The registry, as the program knows it.
        server: String,
    },
    /// The registry does not delete manifests.
    CannotDelete,
    /// The request is too large for the registry, or for a proxy in front of it.
    RequestTooLarge,
    /// The registry has no space left, or the quota is used up.
    StorageFull,
    /// The registry received other bytes than were sent, or sent other bytes than it keeps.
    Corrupted,
    /// A tag that belongs to the target leads to an artifact that netboot did not write.
    ForeignArtifact {
        /// The tag.
        tag: String,
    },
    /// The registry is overloaded or limits the number of requests.
    Busy,
    /// The registry answers with an error of its own.
    ServerError,
    /// No server listens there, or something on the way refused the connection.
    ConnectionRefused,
    /// The host name of the registry cannot be resolved.
    UnknownHost,
    /// TLS failed: the certificate is not trusted, or the registry speaks plain HTTP.
    Tls,
    /// No answer arrived in time.
    TimedOut,
    /// The connection was lost, also when the request was repeated.
    Interrupted,
    /// The answer is not one that a registry gives.
    NotARegistry,
    /// Another reason.
    Unknown {
        /// The code of the registry's error, if it gave one.
        code: Option<String>,
    },
}

impl OciFailure {
    /// Returns a remedy, as a sentence for an operator.
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::NoCredentials => {
                "log in with `podman login` or `docker login` as the user that runs netboot, or \
                 give the store its credentials"
            }
            Self::WrongCredentials => {
                "log in to the registry again: the password or the token is wrong or has expired"
            }
            Self::AccessDenied => {
                "let the account pull, push and delete in this repository; some registries need \
                 the repository to be made first"
            }
            Self::CredentialHelper { program, server } => {
                return format!(
                    "run `echo {server} | {program} get` to see why it fails, or log in without it"
                );
            }
            Self::CannotDelete => {
                "allow deletion in the registry (distribution: `storage.delete.enabled: true`), \
                 and publish again: what arrived is not sent again"
            }
            Self::RequestTooLarge => {
                "raise the limit of the proxy in front of the registry (nginx: \
                 `client_max_body_size`)"
            }
            Self::StorageFull => {
                "prune old releases, let the registry collect its garbage, and publish again; the \
                 live release was not changed"
            }
            Self::Corrupted => {
                "publish again; if it happens again, test the registry's disk and the network, and \
                 delete the blob that the error names on the registry's disk"
            }
            Self::ForeignArtifact { tag } => {
                return format!(
                    "delete the tag `{tag}` of the repository if nothing needs it, or publish to a \
                     repository of netboot's own"
                );
            }
            Self::Busy => "publish again later, or with a lower parallelism",
            Self::ServerError => "read the log of the registry, and publish again",
            Self::ConnectionRefused => {
                "check the host and the port, the firewall, and that the registry is running"
            }
            Self::UnknownHost => "check the name of the registry's host",
            Self::Tls => {
                "give the store the certificate of the authority that signed the registry's, or \
                 allow plain HTTP if the registry has no TLS"
            }
            Self::TimedOut | Self::Interrupted => {
                "check the network, and publish again: files that arrived are not sent again"
            }
            Self::NotARegistry => {
                "check that the host is a registry that speaks the OCI distribution API, and not \
                 another web server"
            }
            Self::Unknown { .. } => "read the cause in the registry's message",
        };
        hint.to_owned()
    }
}

impl fmt::Display for OciFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCredentials => "the registry wants credentials, and none were found",
            Self::WrongCredentials => "the registry refuses the credentials",
            Self::AccessDenied => "access denied",
            Self::CredentialHelper { program, .. } => return write!(f, "`{program}` failed"),
            Self::CannotDelete => "the registry does not delete",
            Self::RequestTooLarge => "the request is too large for the registry",
            Self::StorageFull => "the registry has no space left",
            Self::Corrupted => "the bytes were changed on the way or at the registry",
            Self::ForeignArtifact { tag } => {
                return write!(f, "netboot did not write the artifact of the tag `{tag}`");
            }
            Self::Busy => "the registry is overloaded",
            Self::ServerError => "the registry failed",
            Self::ConnectionRefused => "the connection was refused",
            Self::UnknownHost => "the registry's host name cannot be resolved",
            Self::Tls => "the TLS connection failed",
            Self::TimedOut => "no answer arrived in time",
            Self::Interrupted => "the connection was lost",
            Self::NotARegistry => "the answer is not from a registry",
            Self::Unknown { code: Some(code) } => {
                return write!(f, "the registry answered `{code}`");
            }
            Self::Unknown { code: None } => "the request failed",
        })
    }
}
