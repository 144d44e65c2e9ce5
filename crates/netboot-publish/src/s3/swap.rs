//! Replaces a small object if it still has the expected version.

use bytes::Bytes;
use netboot_core::ReleasePath;
use object_store::{ObjectStore, PutOptions};

use super::conditional_put::{Condition, ConditionalPut, conditional_put};
use super::object::{self, attributes};
use super::target::Target;
use crate::error::Error;
use crate::store::{Swap, Version};

pub(super) async fn swap(
    target: &Target,
    path: &ReleasePath,
    expected: Option<&Version>,
    content: Bytes,
) -> Result<Swap, Error> {
    let (client, key) = (&target.client, target.keys.key(path));
    if !target.compare_and_swap {
        let options = PutOptions { attributes: attributes(path), ..PutOptions::default() };
        let put = client.writes.put_opts(&key, content.into(), options).await;
        return put.map(|_| Swap::Done).map_err(|error| client.error("write", &key, error));
    }
    target.confirm().await?;
    let condition = match expected {
        None => Condition::Absent,
        Some(version) => {
            // The ETag alone is not enough: a server may give other bytes the same one.
            let there = object::read(target, path).await?;
            if there.is_none_or(|there| there.version != *version) {
                return Ok(Swap::Conflict);
            }
            match object::etag(version) {
                Some(etag) => Condition::Is(etag.to_owned()),
                None => return Ok(Swap::Conflict),
            }
        }
    };
    let put = conditional_put(client, &key, &condition, content, attributes(path)).await;
    match target.believe(put).await? {
        ConditionalPut::Done { .. } => Ok(Swap::Done),
        ConditionalPut::Refused | ConditionalPut::Busy => Ok(Swap::Conflict),
    }
}
