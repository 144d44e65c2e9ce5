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
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::bounded;
use super::artifact::{self, Entries, MANIFEST_LIMIT, Referrer};
use super::client::{Call, Client, is_missing};
use super::error::transport;
use super::failure::OciFailure;
use super::manifests::{self, INDEX_TYPE, Written};
use super::writing::put_patiently;
use crate::error::Error;

/// Writes the referrers of a release. `entries` has the objects of its artifact. A registry that
/// takes no referrers has the signature and the documents all the same, in the artifact.
pub(super) async fn write(
    client: &Client,
    release: &Bytes,
    entries: &Entries,
) -> Result<(), Error> {
    match try_write(client, release, entries).await {
        Err(Error::Oci(error)) if is_refusal(&error.failure) => {
            tracing::warn!(%error, "the registry takes no referrers");
            Ok(())
        }
        written => written,
    }
}

async fn try_write(client: &Client, release: &Bytes, entries: &Entries) -> Result<(), Error> {
    let subject = (Sha256Digest::of(release), release.len() as u64);
    let referrers = of_release(client, subject, entries)?;
    if referrers.is_empty() {
        return Ok(());
    }
    for referrer in &referrers {
        let name = format!("sha256:{}", referrer.digest());
        if put_patiently(client, &name, referrer.json.clone(), None).await? != Written::Done {
            tracing::warn!(%name, "the registry has lost a blob of a referrer");
            return Ok(());
        }
    }
    if lists_referrers(client, &subject.0).await? {
        return Ok(());
    }
    // The specification's tag for registries without a list of referrers.
    let tag = fallback_tag(&subject.0);
    let mut listed = match read_index(client, &subject.0).await? {
        Index::Absent => Vec::new(),
        Index::Read { listed, .. } => listed,
        Index::Foreign => {
            tracing::warn!(%tag, "the tag leads to something else than a list of referrers");
            return Ok(());
        }
    };
    let is_missing = |it: &&Referrer| !listed.iter().any(|value| is_of(value, it));
    let new: Vec<Value> = referrers.iter().filter(is_missing).map(Referrer::descriptor).collect();
    if new.is_empty() {
        return Ok(());
    }
    listed.extend(new);
    manifests::put_index(client, &tag, index_of(&listed)).await
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
    if let Index::Read { json, mut listed } = read_index(client, &subject.0).await? {
        let before = listed.len();
        listed.retain(|value| !referrers.iter().any(|it| is_of(value, it)));
        if listed.is_empty() {
            manifests::delete(client, &Sha256Digest::of(&json)).await?;
        } else if listed.len() < before {
            manifests::put_index(client, &fallback_tag(&subject.0), index_of(&listed)).await?;
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

/// Returns true if the registry answered, and publishing again would not help.
fn is_refusal(failure: &OciFailure) -> bool {
    matches!(
        failure,
        OciFailure::NotARegistry
            | OciFailure::AccessDenied
            | OciFailure::RequestTooLarge
            | OciFailure::ServerError
            | OciFailure::Unknown { .. }
    )
}

fn index_of(listed: &[Value]) -> Bytes {
    let index = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": listed});
    index.to_string().into()
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
        [
            StatusCode::BAD_REQUEST,
            StatusCode::METHOD_NOT_ALLOWED,
            StatusCode::NOT_ACCEPTABLE,
            StatusCode::NOT_IMPLEMENTED,
        ]
        .contains(&status)
            || is_missing(status)
    };
    let response = client.call(&call, knows_no_list).await?;
    // A page of a web site is no list.
    let is_list = response.headers().get(CONTENT_TYPE).is_some_and(|it| {
        it.to_str().is_ok_and(|it| it.split(';').next().map(str::trim) == Some(INDEX_TYPE))
    });
    Ok(response.status().is_success() && is_list)
}

/// The manifest under the tag for the referrers of another manifest.
enum Index {
    Absent,
    /// It is no list of manifests.
    Foreign,
    Read {
        json: Bytes,
        listed: Vec<Value>,
    },
}

impl Index {
    fn parse(json: Bytes) -> Self {
        #[derive(Deserialize)]
        struct Manifests {
            manifests: Vec<Value>,
        }
        match serde_json::from_slice::<Manifests>(&json) {
            Ok(Manifests { manifests: listed }) => Self::Read { json, listed },
            Err(_) => Self::Foreign,
        }
    }
}

async fn read_index(client: &Client, subject: &Sha256Digest) -> Result<Index, Error> {
    let url = client.url(&format!("manifests/{}", fallback_tag(subject)));
    let call = Call::new("read", Method::GET, url).accept(INDEX_TYPE);
    let response = client.call(&call, is_missing).await?;
    if is_missing(response.status()) {
        return Ok(Index::Absent);
    }
    let body = bounded(response, MANIFEST_LIMIT).await;
    let body = body.map_err(|error| transport(call.action, &call.url, error))?;
    Ok(body.map_or(Index::Foreign, Index::parse))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_of_manifests_is_read() {
        for json in ["[]", "5", "\"x\"", "{}", "{\"manifests\": 5}", "", "<html>"] {
            assert!(matches!(Index::parse(json.into()), Index::Foreign), "{json}");
        }
        let index = Index::parse(index_of(&[json!({"digest": "sha256:00"}), json!(5)]));
        assert!(matches!(index, Index::Read { listed, .. } if listed.len() == 2));
    }

    #[test]
    fn strange_descriptors_are_of_other_people() {
        let subject = (Sha256Digest::of(b"release"), 7);
        let referrer = artifact::referrer("text/plain", subject, &Entries::new()).unwrap();
        for value in [json!(5), json!([]), json!({}), json!({"digest": []})] {
            assert!(!is_of(&value, &referrer), "{value}");
        }
        assert!(is_of(&referrer.descriptor(), &referrer));
    }
}
