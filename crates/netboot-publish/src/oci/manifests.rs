//! Reads, writes and deletes manifests, and lists tags.

use bytes::Bytes;
use netboot_core::Sha256Digest;
use reqwest::header::{HeaderName, HeaderValue, LINK};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::answer::{Answered, bounded};
use super::artifact::{self, Entries, MANIFEST_LIMIT, MANIFEST_TYPE};
use super::client::{Call, Client, is_missing, odd};
use super::error::{answered, transport};
use super::failure::OciFailure;
use super::tag;
use crate::error::Error;

/// The largest page of a list of tags, in bytes: 200,000 tags of 128 characters.
const PAGE_LIMIT: u64 = 32 * 1024 * 1024;
/// The most pages of a list of tags.
const MOST_PAGES: usize = 10_000;

/// An artifact that a tag leads to.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The digest of its manifest.
    pub(super) digest: Sha256Digest,
    pub(super) entries: Entries,
}

/// The outcome of writing a manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    Done,
    /// The registry kept a condition: the tag leads to another manifest.
    Conflict,
    /// The registry has lost a blob that the manifest names.
    MissingBlob,
}

#[derive(Deserialize)]
struct Page {
    /// `null` for a repository without tags.
    tags: Option<Vec<String>>,
}

/// Reads the artifact of a tag.
///
/// # Errors
/// [`OciFailure::ForeignArtifact`] if netboot did not write it.
pub(super) async fn get(client: &Client, tag: &str) -> Result<Option<Found>, Error> {
    let url = client.url(&format!("manifests/{tag}"));
    let call = Call::new("read", Method::GET, url).accept(MANIFEST_TYPE);
    let response = client.call(&call, is_missing).await?;
    if is_missing(response.status()) {
        return Ok(None);
    }
    let body = bounded(response, MANIFEST_LIMIT).await;
    let body = body.map_err(|error| transport(call.action, &call.url, error))?;
    let entries = body.as_ref().and_then(|json| artifact::entries(json));
    let (Some(json), Some(entries)) = (body, entries) else {
        let failure = OciFailure::ForeignArtifact { tag: tag.to_owned() };
        return Err(Error::oci(call.action, &call.url, failure, "it is no manifest of netboot"));
    };
    Ok(Some(Found { digest: Sha256Digest::of(&json), entries }))
}

/// Writes a manifest under a tag, perhaps under a condition.
pub(super) async fn put(
    client: &Client,
    tag: &str,
    json: Bytes,
    condition: Option<(HeaderName, HeaderValue)>,
) -> Result<Written, Error> {
    let url = client.url(&format!("manifests/{tag}"));
    let mut call = Call::new("write", Method::PUT, url).body(MANIFEST_TYPE, json);
    if let Some((name, value)) = condition {
        call = call.header(name, value);
    }
    let is_answer = |status| {
        [StatusCode::PRECONDITION_FAILED, StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND]
            .contains(&status)
    };
    let response = client.call(&call, is_answer).await?;
    if response.status().is_success() {
        return Ok(Written::Done);
    }
    if response.status() == StatusCode::PRECONDITION_FAILED {
        return Ok(Written::Conflict);
    }
    let answer = Answered::read(response).await;
    if answer.has("MANIFEST_BLOB_UNKNOWN") || answer.has("BLOB_UNKNOWN") {
        return Ok(Written::MissingBlob);
    }
    Err(answered(call.action, &call.url, answer))
}

/// Deletes a manifest with all its tags. One that is gone is no error.
pub(super) async fn delete(client: &Client, digest: &Sha256Digest) -> Result<(), Error> {
    let url = client.url(&format!("manifests/sha256:{digest}"));
    let call = Call::new("delete", Method::DELETE, url);
    let is_answer = |status| is_missing(status) || cannot(status);
    let response = client.call(&call, is_answer).await?;
    if cannot(response.status()) {
        let answer = Answered::read(response).await;
        return Err(Error::oci(call.action, &call.url, OciFailure::CannotDelete, answer));
    }
    Ok(())
}

fn cannot(status: StatusCode) -> bool {
    // Docker's registry answers 405 if it is set up so; others, 400 or 501.
    [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED, StatusCode::BAD_REQUEST]
        .contains(&status)
}

/// Lists all tags of the repository. A repository that is not there has none.
pub(super) async fn tags(client: &Client) -> Result<Vec<String>, Error> {
    let (mut tags, mut url) = (Vec::new(), client.url("tags/list"));
    for _ in 0..MOST_PAGES {
        let call = Call::new("list", Method::GET, url.clone());
        let response = client.call(&call, is_missing).await?;
        if is_missing(response.status()) {
            return Ok(tags);
        }
        let next = response.headers().get(LINK).and_then(|link| next_page(&url, link));
        let body = bounded(response, PAGE_LIMIT).await;
        let body = body.map_err(|error| transport(call.action, &call.url, error))?;
        let page = body.and_then(|body| serde_json::from_slice::<Page>(&body).ok());
        let Some(page) = page else { return Err(odd(&call, "it sent no list of tags")) };
        tags.extend(page.tags.unwrap_or_default().into_iter().filter(|tag| tag::is_valid(tag)));
        match next {
            Some(next) if next != url => url = next,
            _ => return Ok(tags),
        }
    }
    let call = Call::new("list", Method::GET, url);
    Err(odd(&call, "its list of tags has no end"))
}

/// The URL of the next page in a header `Link: </v2/…>; rel="next"` (RFC 8288). `None` for one of
/// another server.
fn next_page(url: &Url, link: &HeaderValue) -> Option<Url> {
    let (target, rest) = link.to_str().ok()?.strip_prefix('<')?.split_once('>')?;
    let is_next = rest.contains("rel=\"next\"") || rest.contains("rel=next");
    let next = url.join(target).ok().filter(|_| is_next)?;
    (next.origin() == url.origin()).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_one_of_the_same_registry() {
        let url = Url::parse("https://registry.example.org/v2/boot/tags/list").unwrap();
        let next = |link| next_page(&url, &HeaderValue::from_static(link)).map(|it| it.to_string());
        assert_eq!(
            next("</v2/boot/tags/list?last=a&n=2>; rel=\"next\"").as_deref(),
            Some("https://registry.example.org/v2/boot/tags/list?last=a&n=2")
        );
        for other in [
            "<https://other.example.org/v2/boot/tags/list?last=a>; rel=\"next\"",
            "</v2/boot/tags/list?last=a>; rel=\"prev\"",
            "/v2/boot/tags/list",
            "",
        ] {
            assert_eq!(next(other), None, "{other}");
        }
    }
}
