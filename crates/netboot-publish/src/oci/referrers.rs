//! Makes the signature and the documents of a release referrers of its artifact, so that the tools
//! of other people find them.
//!
//! A referrer is an artifact whose `subject` is another manifest
//! (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers>).
//! Its bytes follow from the artifact of the release. So publishers that write it at the same
//! moment write the same, and whoever deletes the release knows what to delete.

use std::collections::BTreeMap;

use bytes::Bytes;
use netboot_core::layout::{self, Location};
use netboot_core::{DocumentKind, ReleasePath, Sha256Digest};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::bounded;
use super::artifact::{self, Entries, MANIFEST_LIMIT, Referrer};
use super::client::{Call, Client, is_missing};
use super::error::transport;
use super::failure::OciFailure;
use super::manifests::{self, INDEX_TYPE};
use super::writing::put_patiently;
use crate::error::Error;

/// Writes the referrers of a release. `entries` has the objects of its artifact.
pub(super) async fn write(
    client: &Client,
    release: &Bytes,
    entries: &Entries,
) -> Result<(), Error> {
    let subject = (Sha256Digest::of(release), release.len() as u64);
    let referrers = of_release(client, subject, entries)?;
    if referrers.is_empty() {
        return Ok(());
    }
    for referrer in &referrers {
        let name = format!("sha256:{}", referrer.digest());
        match put_patiently(client, &name, referrer.json.clone(), None).await {
            // The release has its signature and its documents all the same.
            Err(Error::Oci(error)) if is_refusal(&error.failure) => {
                tracing::warn!(%error, "the registry takes no referrers");
                return Ok(());
            }
            written => _ = written?,
        }
    }
    if lists_referrers(client, &subject.0).await? {
        return Ok(());
    }
    // The specification's tag for registries without a list of referrers.
    let (tag, there) = (fallback_tag(&subject.0), read_index(client, &subject.0).await?);
    let mut listed = there.unwrap_or_default();
    let is_known = |listed: &[Value], it: &Referrer| listed.iter().any(|value| is_of(value, it));
    if referrers.iter().all(|it| is_known(&listed, it)) {
        return Ok(());
    }
    listed.retain(|value| !referrers.iter().any(|it| is_of(value, it)));
    listed.extend(referrers.iter().map(Referrer::descriptor));
    let index = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": listed});
    manifests::put_index(client, &tag, index.to_string().into()).await
}

/// Deletes the referrers of a release whose artifact is deleted next. The ones of other people
/// stay.
pub(super) async fn delete(
    client: &Client,
    subject: (Sha256Digest, u64),
    entries: &Entries,
) -> Result<(), Error> {
    let referrers = of_release(client, subject, entries)?;
    if referrers.is_empty() {
        return Ok(());
    }
    let listed = read_index(client, &subject.0).await?;
    let is_own = |value: &Value| referrers.iter().any(|it| is_of(value, it));
    if listed.is_some_and(|listed| listed.iter().all(is_own)) {
        let index = get(client, &format!("manifests/{}", fallback_tag(&subject.0))).await?;
        if let Some(index) = index {
            manifests::delete(client, &Sha256Digest::of(&index)).await?;
        }
    }
    for referrer in &referrers {
        manifests::delete(client, &referrer.digest()).await?;
    }
    Ok(())
}

/// The referrers of a release: one for each type of documents.
fn of_release(
    client: &Client,
    subject: (Sha256Digest, u64),
    entries: &Entries,
) -> Result<Vec<Referrer>, Error> {
    let mut types: BTreeMap<&'static str, Entries> = BTreeMap::new();
    for (path, stored) in entries {
        if let Some(artifact_type) = artifact_type(path) {
            types.entry(artifact_type).or_default().insert(path.clone(), stored.clone());
        }
    }
    let referrer = |(artifact_type, entries): (&'static str, Entries)| {
        artifact::referrer(artifact_type, subject, &entries).map_err(|error| {
            let url = client.url(&format!("manifests/sha256:{}", subject.0));
            Error::oci("write", &url, OciFailure::Unknown { code: None }, error)
        })
    };
    types.into_iter().map(referrer).collect()
}

/// The type of the referrer that has a file of a release.
fn artifact_type(path: &ReleasePath) -> Option<&'static str> {
    let Some(Location::InRelease { path, .. }) = Location::parse(path.as_str()) else {
        return None;
    };
    if path == layout::manifest_signature() {
        return Some("application/vnd.netboot.signature.v1");
    }
    let (_, name) = path.as_str().rsplit_once('/')?;
    if name == DocumentKind::Sbom.file_name() {
        Some("application/vnd.cyclonedx+json")
    } else if name == DocumentKind::Provenance.file_name() {
        Some("application/vnd.in-toto+json")
    } else {
        None
    }
}

fn is_refusal(failure: &OciFailure) -> bool {
    failure.has_code("MANIFEST_INVALID") || failure.has_code("UNSUPPORTED")
}

fn is_of(descriptor: &Value, referrer: &Referrer) -> bool {
    descriptor["digest"] == format!("sha256:{}", referrer.digest())
}

fn fallback_tag(subject: &Sha256Digest) -> String {
    format!("sha256-{subject}")
}

/// Returns true if the registry lists the referrers of a manifest itself.
async fn lists_referrers(client: &Client, subject: &Sha256Digest) -> Result<bool, Error> {
    let url = client.url(&format!("referrers/sha256:{subject}"));
    let call = Call::new("read", Method::GET, url).accept(INDEX_TYPE);
    let knows_no_list = |status| {
        [StatusCode::BAD_REQUEST, StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED]
            .contains(&status)
            || is_missing(status)
    };
    Ok(client.call(&call, knows_no_list).await?.status().is_success())
}

/// The descriptors under the tag for the referrers of a manifest.
async fn read_index(client: &Client, subject: &Sha256Digest) -> Result<Option<Vec<Value>>, Error> {
    let index = get(client, &format!("manifests/{}", fallback_tag(subject))).await?;
    let index = index.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    Ok(index.and_then(|mut index| match index["manifests"].take() {
        Value::Array(listed) => Some(listed),
        _ => None,
    }))
}

async fn get(client: &Client, below: &str) -> Result<Option<Bytes>, Error> {
    let call = Call::new("read", Method::GET, client.url(below)).accept(INDEX_TYPE);
    let response = client.call(&call, is_missing).await?;
    if is_missing(response.status()) {
        return Ok(None);
    }
    let body = bounded(response, MANIFEST_LIMIT).await;
    body.map_err(|error| transport(call.action, &call.url, error))
}
