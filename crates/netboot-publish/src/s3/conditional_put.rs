//! Writes an object only if the key holds the expected object.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error as S3Error, GetOptions, ObjectStore, PutMode, PutOptions,
    PutPayload, UpdateVersion,
};

use super::client::Client;
use super::failure::S3Failure;
use crate::error::Error;

/// The name of the metadata that identifies a write.
const MARK: &str = "netboot-write";

/// The maximum number of repetitions of a write with an unknown result.
const ATTEMPTS: usize = 3;

/// The condition for a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// The key holds no object.
    Absent,
    /// The key holds an object with this `ETag`.
    Is(String),
}

/// The result of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConditionalPut {
    /// The object is written and has this `ETag`.
    Done { etag: Option<String> },
    /// The condition does not hold. Nothing was changed.
    Refused,
    /// Another request to the key is in progress, and the condition did not hold a moment ago.
    /// Nothing was changed. A server answers this whether or not it knows conditions.
    Busy,
}

/// Writes an object if the condition holds.
///
/// Each write carries a unique mark. After a lost answer, or if a repeated write is refused, the
/// mark of the object at the key shows if the write arrived.
pub(super) async fn conditional_put(
    client: &Client,
    key: &Path,
    condition: &Condition,
    content: Bytes,
    mut attributes: Attributes,
) -> Result<ConditionalPut, Error> {
    let mark = nonce();
    attributes.insert(Attribute::Metadata(MARK.into()), mark.clone().into());
    let mut waits = client.settings.retry.backoffs().take(ATTEMPTS);
    loop {
        let mode = match condition {
            Condition::Absent => PutMode::Create,
            Condition::Is(etag) => {
                PutMode::Update(UpdateVersion { e_tag: Some(etag.clone()), version: None })
            }
        };
        let options = PutOptions { mode, attributes: attributes.clone(), ..PutOptions::default() };
        let payload = PutPayload::from(content.clone());
        let error = match client.writes.put_opts(key, payload, options).await {
            Ok(put) => return Ok(ConditionalPut::Done { etag: put.e_tag }),
            Err(error) => error,
        };
        let refused = matches!(
            error,
            S3Error::AlreadyExists { .. }
                | S3Error::Precondition { .. }
                | S3Error::NotModified { .. }
        );
        let unknown = matches!(
            S3Failure::of(&error),
            S3Failure::TimedOut | S3Failure::Interrupted | S3Failure::Busy
        );
        if !refused && !unknown {
            return Err(client.error("write", key, error));
        }
        match look(client, key, &mark).await {
            Ok(There::Own(etag)) => return Ok(ConditionalPut::Done { etag }),
            // 409 says that another request is in progress, and nothing about the condition.
            Ok(there) if refused && !(is_busy(&error) && condition.holds(&there)) => {
                let is_busy = is_busy(&error);
                return Ok(if is_busy { ConditionalPut::Busy } else { ConditionalPut::Refused });
            }
            Err(looking) if refused => return Err(client.error("look at", key, looking)),
            Ok(_) | Err(_) => match waits.next() {
                Some(wait) => tokio::time::sleep(wait.max(Duration::from_millis(200))).await,
                None => return Err(client.error("write", key, error)),
            },
        }
    }
}

/// The object at a key.
enum There {
    Nothing,
    /// This write arrived.
    Own(Option<String>),
    /// Another write's object.
    Other(Option<String>),
}

impl Condition {
    fn holds(&self, there: &There) -> bool {
        match (self, there) {
            (Self::Absent, There::Nothing) => true,
            (Self::Is(expected), There::Other(found)) => found.as_ref() == Some(expected),
            _ => false,
        }
    }
}

/// Returns true if the server refused because another request to the key is in progress.
fn is_busy(error: &S3Error) -> bool {
    S3Failure::of(error) == S3Failure::Busy
}

/// Looks at the object at a key, to see if it is the one of the write with this mark.
async fn look(client: &Client, key: &Path, mark: &str) -> object_store::Result<There> {
    let options = GetOptions { head: true, ..GetOptions::default() };
    match client.reads.get_opts(key, options).await {
        Ok(there) => {
            let found = there.attributes.get(&Attribute::Metadata(MARK.into()));
            let is_own = found.is_some_and(|found| found.as_ref() == mark);
            let etag = there.meta.e_tag;
            Ok(if is_own { There::Own(etag) } else { There::Other(etag) })
        }
        Err(S3Error::NotFound { .. }) => Ok(There::Nothing),
        Err(error) => Err(error),
    }
}

/// A unique text with 128 random bits, from the seeds of the standard library's maps.
pub(super) fn nonce() -> String {
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}
