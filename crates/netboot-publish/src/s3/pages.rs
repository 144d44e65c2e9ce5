//! The pages of a server's listings.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::Client;
use super::error::request_error;
use crate::error::Error;

/// The number of keys in a page: the maximum of S3.
const PAGE: &str = "1000";

/// An answer to `ListObjectsV2`:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ObjectPage {
    #[serde(default)]
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
    #[serde(default)]
    contents: Vec<Contents>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    key: String,
    last_modified: String,
    size: u64,
}

/// An answer to `ListMultipartUploads`:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html>.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UploadPage {
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
    #[serde(default)]
    upload: Vec<Upload>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    key: String,
    #[serde(rename = "UploadId")]
    id: String,
    initiated: String,
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedObject {
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
}

/// A multipart upload that was started and not completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnfinishedUpload {
    pub(super) key: String,
    pub(super) id: String,
    pub(super) started: SystemTime,
}

/// A page of objects, and the start of the next page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) objects: Vec<ListedObject>,
    /// The token of the next page. `None` on the last page.
    pub(super) next: Option<String>,
}

/// The start of a page.
#[derive(Debug, Clone, Copy)]
pub(super) enum PageStart<'a> {
    /// The first key.
    Beginning,
    /// The end of the previous page.
    Token(&'a str),
    /// The first key after this one.
    Behind(&'a str),
}

impl Client {
    /// Gets a page of the objects with keys that start with `prefix`. With `shallow`, only keys
    /// without a `/` after the prefix.
    pub(super) async fn page(
        &self,
        prefix: &str,
        shallow: bool,
        from: PageStart<'_>,
    ) -> Result<Page, Error> {
        let mut query = vec![
            ("list-type", "2"),
            ("max-keys", PAGE),
            ("encoding-type", "url"),
            ("prefix", prefix),
        ];
        if shallow {
            query.push(("delimiter", "/"));
        }
        match from {
            PageStart::Beginning => {}
            PageStart::Token(token) => query.push(("continuation-token", token)),
            PageStart::Behind(key) => query.push(("start-after", key)),
        }
        let page: ObjectPage = self.parse(&self.get_bucket(&query).await?)?;
        let is_encoded = page.encoding_type.as_deref() == Some("url");
        let objects = page.contents.into_iter().map(|object| {
            let key = if is_encoded { decoded(&object.key) } else { object.key };
            let modified = self.time(&object.last_modified)?;
            Ok(ListedObject { key, size: object.size, modified })
        });
        let objects = objects.collect::<Result<_, Error>>()?;
        let next = match (page.is_truncated, page.next_continuation_token) {
            (false, _) => None,
            // An incomplete listing is an error: objects that are missing in it count as deleted,
            // and pruning would delete what they need.
            (true, None) => return Err(self.listing_error(ListingError::NoToken)),
            (true, Some(next)) if matches!(from, PageStart::Token(token) if token == next) => {
                return Err(self.listing_error(ListingError::SamePage));
            }
            (true, next) => next,
        };
        Ok(Page { objects, next })
    }

    /// Gets all objects with keys that start with `prefix`.
    pub(super) async fn objects(
        &self,
        prefix: &str,
        shallow: bool,
    ) -> Result<Vec<ListedObject>, Error> {
        let mut objects = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let from = token.as_deref().map_or(PageStart::Beginning, PageStart::Token);
            let page = self.page(prefix, shallow, from).await?;
            objects.extend(page.objects);
            match page.next {
                Some(next) => token = Some(next),
                None => return Ok(objects),
            }
        }
    }

    /// Gets the multipart uploads to keys that start with `prefix`.
    pub(super) async fn unfinished_uploads(
        &self,
        prefix: &str,
    ) -> Result<Vec<UnfinishedUpload>, Error> {
        let mut uploads = Vec::new();
        let mut markers: Option<(String, String)> = None;
        loop {
            let mut query = vec![("uploads", ""), ("max-uploads", PAGE), ("prefix", prefix)];
            if let Some((key, id)) = &markers {
                query.extend([("key-marker", key.as_str()), ("upload-id-marker", id.as_str())]);
            }
            let page: UploadPage = self.parse(&self.get_bucket(&query).await?)?;
            for upload in page.upload {
                let started = self.time(&upload.initiated)?;
                uploads.push(UnfinishedUpload { key: upload.key, id: upload.id, started });
            }
            let next = page.next_key_marker.zip(page.next_upload_id_marker);
            match next.filter(|next| page.is_truncated && markers.as_ref() != Some(next)) {
                Some(next) => markers = Some(next),
                None => return Ok(uploads),
            }
        }
    }

    fn parse<T: DeserializeOwned>(&self, answer: &[u8]) -> Result<T, Error> {
        let text = String::from_utf8_lossy(answer);
        let malformed = |source| self.listing_error(ListingError::Malformed(Box::new(source)));
        quick_xml::de::from_str(&text).map_err(malformed)
    }

    /// Parses a time, in whole seconds as in the header `Last-Modified`. An unreadable time is an
    /// error: an object that counted as old would be pruned, and an upload aborted.
    fn time(&self, text: &str) -> Result<SystemTime, Error> {
        let utc = text.strip_suffix("+00:00").unwrap_or(text);
        let no_time = |_| self.listing_error(ListingError::NoTime(text.to_owned()));
        let time = humantime::parse_rfc3339_weak(utc).map_err(no_time)?;
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Ok(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    fn listing_error(&self, source: ListingError) -> Error {
        request_error("list", self.settings.bucket_url.to_string(), source)
    }
}

/// Why an answer is not a listing. [`S3Failure`](super::failure::S3Failure) recognizes the words.
#[derive(Debug, thiserror::Error)]
enum ListingError {
    #[error("Got invalid listing")]
    Malformed(#[source] Box<quick_xml::DeError>),
    #[error("Got invalid listing: it is truncated and has no token for the next page")]
    NoToken,
    #[error("Got invalid listing: the server sent the same page again")]
    SamePage,
    #[error("Got invalid listing: {0:?} is not a time")]
    NoTime(String),
}

/// Decodes a key after `encoding-type=url`, the encoding of forms.
fn decoded(key: &str) -> String {
    let pairs = url::form_urlencoded::parse(key.as_bytes());
    pairs.map(|(name, _)| name).next().unwrap_or_default().into_owned()
}
