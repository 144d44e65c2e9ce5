//! A request that deletes many objects, and its answer.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use md5::{Digest, Md5};
use netboot_core::Sha256Digest;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

/// The body of `DeleteObjects`:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>.
#[derive(Debug, Serialize)]
#[serde(rename = "Delete")]
struct Delete<'a> {
    #[serde(rename = "@xmlns")]
    namespace: &'static str,
    #[serde(rename = "Object")]
    objects: Vec<Object<'a>>,
}

#[derive(Debug, Serialize)]
struct Object<'a> {
    #[serde(rename = "Key")]
    key: &'a str,
}

/// The answer. An element of another name is an error: the answer is then of another server.
#[derive(Debug, Deserialize)]
struct DeleteResult {
    #[serde(rename = "$value", default)]
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
enum Entry {
    /// Some servers leave the key out.
    Deleted,
    Error(KeyError),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyError {
    #[serde(default)]
    key: String,
    #[serde(default)]
    code: String,
}

/// Returns the body of a request to delete these keys.
pub(super) fn request(keys: &[Path]) -> Result<String, BatchError> {
    let objects = keys.iter().map(|key| Object { key: key.as_ref() }).collect();
    let delete = Delete { namespace: "http://s3.amazonaws.com/doc/2006-03-01/", objects };
    quick_xml::se::to_string(&delete).map_err(BatchError::Request)
}

/// The header that announces the SHA-256 of this content.
pub(super) fn sha256(content: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_static("x-amz-checksum-sha256");
    checksum(name, Sha256Digest::of(content).as_bytes())
}

/// A header with a digest in Base64, which is valid in each header.
fn checksum(name: HeaderName, digest: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    HeaderValue::from_str(&STANDARD.encode(digest)).ok().map(|value| (name, value))
}

/// Returns the headers of a request with this body. S3 requires one of the two checksums. Older
/// servers require MD5, which says nothing about trust here: the signature does.
pub(super) fn headers(body: &str, checksums: bool) -> HeaderMap {
    let md5 = HeaderName::from_static("content-md5");
    let mut headers = HeaderMap::from_iter(checksum(md5, &Md5::digest(body)));
    if checksums {
        headers.extend(sha256(body.as_bytes()));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers
}

/// Returns the keys that the server did not delete. What an answer says about a key that nobody
/// asked for is an error.
pub(super) fn not_deleted(keys: &[Path], answer: &[u8]) -> Result<Vec<Path>, BatchError> {
    let text = String::from_utf8_lossy(answer);
    let answer: DeleteResult =
        quick_xml::de::from_str(&text).map_err(|error| BatchError::Malformed(Box::new(error)))?;
    let asked: BTreeSet<&str> = keys.iter().map(Path::as_ref).collect();
    let mut failed = BTreeSet::new();
    for entry in answer.entries {
        let Entry::Error(error) = entry else { continue };
        if error.code == "NoSuchKey" {
            continue;
        }
        let Some(key) = asked.get(error.key.as_str()) else { return Err(BatchError::OtherKey) };
        failed.insert(*key);
    }
    Ok(keys.iter().filter(|key| failed.contains(key.as_ref())).cloned().collect())
}

/// The reason why a batch did not tell what was deleted.
/// [`S3Failure`](super::failure::S3Failure) recognizes the words.
#[derive(Debug, thiserror::Error)]
pub(super) enum BatchError {
    #[error("the request cannot be written")]
    Request(#[source] quick_xml::SeError),
    #[error("Got invalid answer to a request to delete")]
    Malformed(#[source] Box<quick_xml::DeError>),
    #[error("Got invalid answer to a request to delete: it tells of a key that nobody asked for")]
    OtherKey,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(names: &[&str]) -> Vec<Path> {
        names.iter().map(|name| Path::from(*name)).collect()
    }

    #[test]
    fn answers_of_real_servers_are_understood() {
        let asked = keys(&["a", "b", "c"]);
        for (answer, failed) in [
            ("<DeleteResult/>", vec![]),
            ("<DeleteResult></DeleteResult>", vec![]),
            ("<DeleteResult><Deleted></Deleted></DeleteResult>", vec![]),
            (
                "<?xml version=\"1.0\"?>\n<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/\">\n \
                 <Deleted>\n  <Key>a</Key><VersionId>1</VersionId></Deleted>\n <Error><Key>b</Key>\
                 <Code>AccessDenied</Code><Message>no</Message></Error>\n <Deleted><Key>c</Key>\
                 </Deleted>\n</DeleteResult>",
                vec!["b"],
            ),
            (
                "<DeleteResult><Error><Key>a</Key><Code>NoSuchKey</Code></Error></DeleteResult>",
                vec![],
            ),
            (
                "<DeleteResult><Error><Key>a</Key></Error><Error><Key>a</Key></Error>\
                 </DeleteResult>",
                vec!["a"],
            ),
        ] {
            assert_eq!(not_deleted(&asked, answer.as_bytes()).unwrap(), keys(&failed), "{answer}");
        }
    }

    #[test]
    fn answers_of_other_servers_are_errors() {
        for answer in [
            "",
            "ok",
            "<html><body>Log in.</body></html>",
            "<Error><Code>SlowDown</Code></Error>",
            "<DeleteResult><Error><Code>InternalError</Code></Error></DeleteResult>",
            "<DeleteResult><Error><Key>other</Key></Error></DeleteResult>",
            "<DeleteResult><Error><Key>/a//</Key><Code>X</Code></Error></DeleteResult>",
        ] {
            let answer = not_deleted(&keys(&["a"]), answer.as_bytes());
            assert!(answer.is_err(), "{answer:?}");
        }
    }

    proptest! {
        #[test]
        fn an_answer_names_only_keys_that_were_asked_for(
            key in "[a-c]{0,2}|\\PC{0,9}", code in "NoSuchKey|[A-Z]{1,3}", text in "\\PC{0,40}",
        ) {
            let asked = keys(&["a", "b", "ab"]);
            let entry = format!("<Error><Key>{key}</Key><Code>{code}</Code></Error>");
            for answer in [text, format!("<DeleteResult>{entry}{entry}</DeleteResult>"), entry] {
                if let Ok(failed) = not_deleted(&asked, answer.as_bytes()) {
                    prop_assert!(failed.iter().all(|key| asked.contains(key)));
                }
            }
        }
    }
}
