//! Writing an object only if what lies there is what is expected.

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

/// The name of the metadata that tells whose write an object is.
const MARK: &str = "netboot-write";

/// How often a write is tried again of which it is not known whether it arrived.
const ATTEMPTS: usize = 3;

/// What has to lie at a key for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing.
    Absent,
    /// What has this `ETag`.
    Is(String),
}

/// How a conditional write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConditionalPut {
    /// It is there, under this `ETag`.
    Done { etag: Option<String> },
    /// Something else is there; nothing was changed.
    Refused,
}

/// Writes if the condition holds.
///
/// The write carries a mark of its own. Where a connection broke before the answer came, and where
/// a repeated write is refused, the mark of what lies there tells whether it arrived after all.
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

/// The `ETag` of what lies at a key, if it is the write with this mark.
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

/// A text that nobody else has: 128 bits, from what the standard library's maps are seeded with.
pub(super) fn nonce() -> String {
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}
