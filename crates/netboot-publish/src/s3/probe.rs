//! Tests whether a target can compare and swap. Several real servers answer a conditional write
//! with 200 and overwrite the object.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Attributes, Error as S3Error, ObjectStoreExt};

use super::client::Client;
use super::conditional_put::{Condition, ConditionalPut, conditional_put, nonce};
use super::failure::S3Failure;
use super::key::Keys;
use super::object::delete_keys;
use crate::error::Error;

/// Returns true if conditional writes work: for a missing and an existing object, and with the
/// right `ETag`, a wrong one, and the one before the last write.
pub(super) async fn compares_and_swaps(client: &Client, keys: &Keys) -> Result<bool, Error> {
    let key = keys.own(&format!("probe-{}", nonce()));
    let probed = probe(client, &key).await;
    // Delete it also after a failure, because the first write may have arrived.
    let deleted = delete_keys(client, std::slice::from_ref(&key)).await;
    let able = probed?;
    deleted?;
    tracing::debug!(bucket = %client.settings.bucket_url, able, "probed compare-and-swap");
    Ok(able)
}

async fn probe(client: &Client, key: &Path) -> Result<bool, Error> {
    let put = async |condition: &Condition, content: &'static str| {
        let content = Bytes::from_static(content.as_bytes());
        match conditional_put(client, key, condition, content.clone(), Attributes::new()).await {
            Ok(put) => Ok(Some(put)),
            // A server that reports the missing feature counts as one without it.
            Err(Error::S3 { failure: S3Failure::NotImplemented, .. }) => Ok(None),
            // Some refuse the header of the condition, and take the object without it.
            Err(error @ Error::S3 { failure: S3Failure::Unknown { .. }, .. }) => {
                match client.writes.put(key, content.into()).await {
                    Ok(_) => Ok(None),
                    Err(_) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    };
    let is_refused = |put: &Option<ConditionalPut>| *put == Some(ConditionalPut::Refused);
    let Some(ConditionalPut::Done { .. }) = put(&Condition::Absent, "one").await? else {
        return Ok(false);
    };
    if !is_refused(&put(&Condition::Absent, "two").await?) {
        return Ok(false);
    }
    // Use the ETag of a read, because a swap expects that one.
    let Some(first) = etag(client, key).await? else { return Ok(false) };
    let wrong = Condition::Is("\"00000000000000000000000000000000\"".to_owned());
    if !is_refused(&put(&wrong, "three").await?) {
        return Ok(false);
    }
    let first = Condition::Is(first);
    let Some(ConditionalPut::Done { .. }) = put(&first, "four").await? else { return Ok(false) };
    Ok(is_refused(&put(&first, "five").await?))
}

async fn etag(client: &Client, key: &Path) -> Result<Option<String>, Error> {
    match client.reads.get(key).await {
        Ok(answer) => Ok(answer.meta.e_tag),
        Err(S3Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(client.error("read", key, error)),
    }
}
