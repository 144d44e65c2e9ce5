//! Replaces small objects, under a condition if the registry keeps conditions.

use bytes::Bytes;
use netboot_core::{Context, ReleasePath};
use reqwest::header::{HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};

use super::artifact::{Entries, Kind};
use super::client::Client;
use super::manifests::{self, Written};
use super::target::Target;
use super::writing::{Draft, lost_blob};
use super::{file, reading, send, tag};
use crate::error::Error;
use crate::publisher::uploads::upload;
use crate::store::{Swap, Version};

/// A tag of the store's own, for the test for conditions.
const PROBE_TAG: &str = "netboot-probe";

pub(super) async fn swap(
    target: &Target,
    path: &ReleasePath,
    expected: Option<&Version>,
    content: Bytes,
) -> Result<Swap, Error> {
    let client = target.client.as_ref();
    let Some(tag) = tag::of_file(path) else {
        // Publishers swap pointers only, which have tags. For other paths, another publisher can
        // write between the check and the write.
        if target.compare_and_swap {
            let found = reading::find(target, path).await?;
            if found.as_ref().map(|(_, version)| version) != expected {
                return Ok(Swap::Conflict);
            }
        }
        send::send(target, vec![vec![upload(path.clone(), content)?]], &Context::new()).await?;
        return Ok(Swap::Done);
    };
    let condition = if target.compare_and_swap {
        match condition(expected) {
            Some(condition) => Some(condition),
            // No version of this store.
            None => return Ok(Swap::Conflict),
        }
    } else {
        None
    };
    Ok(match file::put(client, path, &tag, content, condition).await? {
        Written::Conflict => Swap::Conflict,
        Written::Done | Written::MissingBlob => Swap::Done,
    })
}

fn condition(expected: Option<&Version>) -> Option<(HeaderName, HeaderValue)> {
    let Some(version) = expected else {
        return Some((IF_NONE_MATCH, HeaderValue::from_static("*")));
    };
    let value = HeaderValue::from_str(&format!("\"sha256:{version}\"")).ok()?;
    Some((IF_MATCH, value))
}

/// Returns true if the registry writes a manifest only under the condition that a request names.
/// Registries that know no conditions ignore them, and write.
pub(super) async fn keeps_conditions(client: &Client) -> Result<bool, Error> {
    let nothing = Entries::new();
    // Each request writes other bytes, so that one whose first answer was lost does not take the
    // bytes of another one for its own. The bytes are the same in each test, so that a registry
    // keeps few manifests.
    let put = async |step: &str, condition| {
        let draft = Draft::new(Kind::File, PROBE_TAG, &nothing);
        Draft { condition, mark: Some(step.to_owned()), ..draft }.write(client).await
    };
    let other = Version::new("0".repeat(64));
    // Most registries know no conditions, and this is all they are asked.
    if put("other", condition(Some(&other))).await? != Written::Conflict {
        return Ok(false);
    }
    // The tag is there after the first request, whoever wrote it.
    for step in ["first", "second"] {
        match put(step, condition(None)).await? {
            Written::Conflict => {
                let is_kept = put("other", condition(Some(&other))).await? == Written::Conflict;
                let Some(there) = manifests::get(client, PROBE_TAG).await? else {
                    return Ok(false);
                };
                let same = Version::new(there.digest.to_string());
                return Ok(is_kept && put("last", condition(Some(&same))).await? == Written::Done);
            }
            Written::Done => {}
            Written::MissingBlob => return Err(lost_blob(client, PROBE_TAG)),
        }
    }
    Ok(false)
}
