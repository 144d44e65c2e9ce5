//! Tests whether a target can compare and swap, and whether it checks what it receives. Several
//! real servers answer a conditional write with 200 and overwrite the object.

use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Attributes, Error as S3Error, ObjectStoreExt};

use super::client::Client;
use super::conditional_put::{Condition, ConditionalPut, conditional_put, nonce};
use super::deletion::delete_keys;
use super::failure::S3Failure;
use super::key::Keys;
use super::server_memory::Abilities;
use crate::error::Error;

/// The number of times that a write is repeated while the server is busy with the key.
const ATTEMPTS: usize = 3;

/// The pause before such a repetition.
const PAUSE: Duration = Duration::from_millis(100);

/// Tests what the server can do. Returns `None` if it was busy with the key of the test, which says
/// nothing.
pub(super) async fn test_server(client: &Client, keys: &Keys) -> Result<Option<Abilities>, Error> {
    let key = keys.own(&format!("probe-{}", nonce()));
    let probed = match compares_and_swaps(client, &key).await {
        Ok(Some(compare_and_swap)) => {
            let checks_content =
                client.settings.checksums && client.refuses_wrong_checksum(&key).await;
            Ok(Some(Abilities { compare_and_swap, checks_content }))
        }
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    // Delete it also after a failure, because the first write may have arrived.
    let deleted = delete_keys(client, std::slice::from_ref(&key)).await;
    let able = probed?;
    deleted?;
    tracing::debug!(bucket = %client.settings.bucket_url, ?able, "tested the server");
    Ok(able)
}

/// Returns true if conditional writes work: for a missing and an existing object, and with the
/// right `ETag`, a wrong one, and the one before the last write. Returns `None` if the server was
/// busy with the key.
async fn compares_and_swaps(client: &Client, key: &Path) -> Result<Option<bool>, Error> {
    let put = async |condition: &Condition, content: &'static str| {
        let content = Bytes::from_static(content.as_bytes());
        let attempt =
            || conditional_put(client, key, condition, content.clone(), Attributes::new());
        let mut put = attempt().await;
        for _ in 1..ATTEMPTS {
            if !matches!(put, Ok(ConditionalPut::Busy)) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            put = attempt().await;
        }
        match put {
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
    let (refused, busy) = (Some(ConditionalPut::Refused), Some(ConditionalPut::Busy));
    let Some(ConditionalPut::Done { .. }) = put(&Condition::Absent, "one").await? else {
        return Ok(Some(false));
    };
    let again = put(&Condition::Absent, "two").await?;
    if again != refused {
        return Ok((again != busy).then_some(false));
    }
    // Use the ETag of a read, because a swap expects that one.
    let Some(first) = etag(client, key).await? else { return Ok(Some(false)) };
    let wrong = Condition::Is("\"00000000000000000000000000000000\"".to_owned());
    let with_wrong = put(&wrong, "three").await?;
    if with_wrong != refused {
        return Ok((with_wrong != busy).then_some(false));
    }
    let first = Condition::Is(first);
    match put(&first, "four").await? {
        Some(ConditionalPut::Done { .. }) => {}
        other => return Ok((other != busy).then_some(false)),
    }
    let with_old = put(&first, "five").await?;
    Ok((with_old != busy).then_some(with_old == refused))
}

async fn etag(client: &Client, key: &Path) -> Result<Option<String>, Error> {
    match client.reads.get(key).await {
        Ok(answer) => Ok(answer.meta.e_tag),
        Err(S3Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(client.error("read", key, error)),
    }
}
