//! Reads a server's answers to requests for listings.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::DeserializeOwned;

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
pub(crate) struct ListedObject {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
}

/// A multipart upload that was started and not completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnfinishedUpload {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) started: SystemTime,
}

/// A page of objects, and the start of the next page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) objects: Vec<ListedObject>,
    /// The token of the next page. `None` on the last page.
    pub(crate) next: Option<String>,
}

/// The key and upload id where a page of uploads ends.
pub(crate) type Markers = (String, String);

/// The start of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PageStart<'a> {
    /// The first key.
    Beginning,
    /// The end of the previous page.
    Token(&'a str),
    /// The first key after this one.
    Behind(&'a str),
}

impl Page {
    /// Reads the answer to a request for the page at `from`.
    pub(crate) fn parse(answer: &[u8], from: PageStart<'_>) -> Result<Self, ListingError> {
        let page: ObjectPage = parse(answer)?;
        let is_encoded = page.encoding_type.as_deref() == Some("url");
        let objects = page.contents.into_iter().map(|object| {
            let key = if is_encoded { decoded(&object.key) } else { object.key };
            let modified = time(&object.last_modified)?;
            Ok(ListedObject { key, size: object.size, modified })
        });
        let objects = objects.collect::<Result<_, _>>()?;
        let next = match (page.is_truncated, page.next_continuation_token) {
            (false, _) => None,
            // An incomplete listing is an error: objects that are missing in it count as deleted,
            // and pruning would delete what they need.
            (true, None) => return Err(ListingError::NoToken),
            (true, Some(next)) if matches!(from, PageStart::Token(token) if token == next) => {
                return Err(ListingError::SamePage);
            }
            (true, next) => next,
        };
        Ok(Self { objects, next })
    }
}

/// Reads a page of uploads that begins at `from`, and returns where the next page begins.
pub(crate) fn parse_uploads(
    answer: &[u8],
    from: Option<&Markers>,
) -> Result<(Vec<UnfinishedUpload>, Option<Markers>), ListingError> {
    let page: UploadPage = parse(answer)?;
    let uploads = page.upload.into_iter().map(|upload| {
        let started = time(&upload.initiated)?;
        Ok(UnfinishedUpload { key: upload.key, id: upload.id, started })
    });
    let next = page.next_key_marker.zip(page.next_upload_id_marker);
    let next = next.filter(|next| page.is_truncated && from != Some(next));
    Ok((uploads.collect::<Result<_, _>>()?, next))
}

fn parse<T: DeserializeOwned>(answer: &[u8]) -> Result<T, ListingError> {
    let text = String::from_utf8_lossy(answer);
    quick_xml::de::from_str(&text).map_err(|source| ListingError::Malformed(Box::new(source)))
}

/// Parses a time, in whole seconds as in the header `Last-Modified`. An unreadable time is an
/// error: an object that counted as old would be pruned, and an upload aborted.
fn time(text: &str) -> Result<SystemTime, ListingError> {
    let utc = text.strip_suffix("+00:00").unwrap_or(text);
    let no_time = |_| ListingError::NoTime(text.to_owned());
    let time = humantime::parse_rfc3339_weak(utc).map_err(no_time)?;
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Ok(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The reason why an answer is not a listing. [`S3Failure`](super::failure::S3Failure) recognizes
/// the words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListingError {
    #[error("Got invalid listing")]
    Malformed(#[source] Box<quick_xml::DeError>),
    #[error("Got invalid listing: it is truncated and has no token for the next page")]
    NoToken,
    #[error("Got invalid listing: the server sent the same page again")]
    SamePage,
    #[error("Got invalid listing: it does not end")]
    Endless,
    #[error("Got invalid listing: {0:?} is not a time")]
    NoTime(String),
}

/// Decodes a key after `encoding-type=url`, the encoding of forms.
fn decoded(key: &str) -> String {
    let pairs = url::form_urlencoded::parse(key.as_bytes());
    pairs.map(|(name, _)| name).next().unwrap_or_default().into_owned()
}
