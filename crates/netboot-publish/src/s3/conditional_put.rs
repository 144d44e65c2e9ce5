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
        match etag_of_own(client, key, &mark).await {
            Ok(Some(etag)) => return Ok(ConditionalPut::Done { etag }),
            Ok(None) if refused => return Ok(ConditionalPut::Refused),
            Err(looking) if refused => return Err(client.error("look at", key, looking)),
            Ok(None) | Err(_) => match waits.next() {
                Some(wait) => tokio::time::sleep(wait.max(Duration::from_millis(200))).await,
                None => return Err(client.error("write", key, error)),
            },
        }
    }
}

/// The `ETag` of the object at a key, if the write with this mark wrote it.
async fn etag_of_own(
    client: &Client,
    key: &Path,
    mark: &str,
) -> object_store::Result<Option<Option<String>>> {
    let options = GetOptions { head: true, ..GetOptions::default() };
    match client.reads.get_opts(key, options).await {
        Ok(there) => {
            let found = there.attributes.get(&Attribute::Metadata(MARK.into()));
            let is_own = found.is_some_and(|found| found.as_ref() == mark);
            Ok(is_own.then_some(there.meta.e_tag))
        }
        Err(S3Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A unique text with 128 random bits, from the seeds of the standard library's maps.
pub(super) fn nonce() -> String {
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}
