//! Summaries: copies of what many parts say, so that a look at a target with many releases takes
//! few requests.
//!
//! The tag of a summary has the digest of its bytes and the times of the first and the last part
//! in it. A summary is only a copy. A part in it counts while the list of tags has the part's tag,
//! and whoever deletes a part deletes the summaries with it first. A part that no summary has is
//! read from its own artifact. So a summary that is lost or damaged costs time and nothing else.

pub(super) mod build;

use std::collections::BTreeSet;
use std::io::Result as IoResult;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use netboot_core::Sha256Digest;
use reqwest::Method;

use super::answer::bounded;
use super::artifact::{self, Kind, MANIFEST_LIMIT};
use super::client::{Call, Client, is_missing};
use super::compression::{compressed, decompressed};
use super::error::transport;
use super::part::Part;
use super::tag;
use crate::error::Error;

/// The largest summary, in bytes.
pub(super) const SUMMARY_LIMIT: u64 = 4 * 1024 * 1024;
/// The largest manifest of a release that a summary has, in bytes.
pub(super) const DOCUMENT_LIMIT: u64 = 4 * 1024 * 1024;

const PREFIX: &str = "summary-";
/// The first bytes of a summary.
pub(super) const START: &[u8] = b"netboot summary 1\n";

/// The name of a summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Summary {
    /// The digest of its bytes.
    pub(super) sha256: Sha256Digest,
    /// The time in the tag of its first part.
    first: String,
    /// The time in the tag of its last part.
    last: String,
}

impl Summary {
    /// The name of a summary with these bytes of the parts with the tags `first` to `last`. `None`
    /// if they are no tags of parts.
    pub(super) fn of(bytes: &[u8], first: &str, last: &str) -> Option<Self> {
        let [first, last] =
            [tag::time_of_part(first)?, tag::time_of_part(last)?].map(str::to_owned);
        Some(Self { sha256: Sha256Digest::of(bytes), first, last })
    }

    pub(super) fn tag(&self) -> String {
        format!("{PREFIX}{}-{}-{}", self.sha256, self.first, self.last)
    }

    pub(super) fn parse(tag: &str) -> Option<Self> {
        let mut words = tag.strip_prefix(PREFIX)?.splitn(3, '-');
        let sha256 = words.next()?.parse().ok()?;
        let [first, last] = [words.next()?.to_owned(), words.next()?.to_owned()];
        Some(Self { sha256, first, last })
    }

    /// Returns true if the tag of a part is between those of its first and its last part.
    pub(super) fn covers(&self, tag: &str) -> bool {
        let range = self.first.as_str()..=self.last.as_str();
        tag::time_of_part(tag).is_some_and(|time| range.contains(&time))
    }

    /// Reads those of its parts that have these tags. `None` if the registry has lost the
    /// summary, or if it is damaged.
    pub(super) async fn read(
        &self,
        client: &Client,
        wanted: &BTreeSet<String>,
    ) -> Result<Option<Vec<Part>>, Error> {
        let url = client.url(&format!("blobs/sha256:{}", self.sha256));
        let call = Call::new("read", Method::GET, url);
        let response = client.call(&call, is_missing).await?;
        if is_missing(response.status()) {
            return Ok(None);
        }
        let bytes = bounded(response, SUMMARY_LIMIT).await;
        let bytes = bytes.map_err(|error| transport(call.action, &call.url, error))?;
        let bytes = bytes.filter(|bytes| Sha256Digest::of(bytes) == self.sha256);
        Ok(bytes.and_then(|bytes| parts(bytes, |tag| wanted.contains(tag))))
    }
}

/// Writes what a summary says about one part: its tag, the manifest of its artifact and, if it has
/// one, the manifest of its release.
pub(super) fn record(tag: &str, json: &[u8], document: Option<&[u8]>) -> IoResult<Bytes> {
    let json = compressed(json)?;
    let document = document.map(compressed).transpose()?;
    let mut record = BytesMut::new();
    for field in [tag.as_bytes(), &json, document.as_deref().unwrap_or_default()] {
        record.put_u32(u32::try_from(field.len()).unwrap_or(u32::MAX));
        record.put_slice(field);
    }
    Ok(record.freeze())
}

/// Reads the parts of a summary. `None` if it is damaged.
fn parts(mut bytes: Bytes, is_wanted: impl Fn(&str) -> bool) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    if !bytes.starts_with(START) {
        return None;
    }
    bytes.advance(START.len());
    while bytes.has_remaining() {
        let [tag, json, document] = [field(&mut bytes)?, field(&mut bytes)?, field(&mut bytes)?];
        let tag = std::str::from_utf8(&tag).ok()?.to_owned();
        if !is_wanted(&tag) {
            continue;
        }
        let json = decompressed(&json, MANIFEST_LIMIT)?;
        let (kind, entries) = artifact::entries_of_tag(&json, &tag)?;
        let size = (kind == Kind::Release).then_some(json.len() as u64);
        let part = Part::new(tag, Sha256Digest::of(&json), size, entries);
        // A copy, so that the rest of the summary does not stay in memory.
        let document = Some(document).filter(|it| !it.is_empty()).map(|it| it.to_vec().into());
        parts.push(part.with_document(document));
    }
    Some(parts)
}

fn field(bytes: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(bytes.try_get_u32().ok()?).ok()?;
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::oci::artifact::{Entries, Stored, to_json};

    fn sample(tag: &str) -> (Bytes, Entries) {
        let file = Stored::of_file(Bytes::from_static(b"{}"), UNIX_EPOCH + Duration::from_secs(9));
        let entries = Entries::from([("releases/clock".parse().unwrap(), file)]);
        (to_json(Kind::Part, tag, &entries, None, None).unwrap(), entries)
    }

    #[test]
    fn a_summary_is_found_by_its_tag() {
        let [first, last] = ["part-0000000000a-1", "part-0000000000c-2"];
        let summary = Summary::of(b"bytes", first, last).unwrap();
        assert!(tag::is_valid(&summary.tag()));
        assert_eq!(Summary::parse(&summary.tag()), Some(summary.clone()));
        for covered in [first, "part-0000000000a-2", "part-0000000000b-1", last] {
            assert!(summary.covers(covered), "{covered}");
        }
        for other in ["part-00000000009-1", "part-0000000000d-1", "part-b", "other"] {
            assert!(!summary.covers(other), "{other}");
        }
        assert_eq!(Summary::parse("summary-x-0000000000a-0000000000c"), None);
    }

    #[test]
    fn parts_are_read_as_they_were_written() {
        let [one, two] = ["part-0000000000a-1", "part-0000000000c-2"];
        let of = |tag, other| record(tag, &sample(other).0, Some(b"{}")).unwrap();
        let bytes = [START, &of(one, one), &of(two, two)].concat();
        let read = parts(bytes.clone().into(), |tag| tag == two).unwrap();
        let [part] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((part.tag.as_str(), part.digest), (two, Sha256Digest::of(&sample(two).0)));
        assert!(part.iter().eq(sample(two).1));

        // Damage, and the artifact of another tag.
        for end in [1, START.len() + 2, START.len() + 30, bytes.len() - 1] {
            assert!(parts(bytes[..end].to_vec().into(), |_| true).is_none(), "{end}");
        }
        assert!(parts([START, &of(one, two)].concat().into(), |_| true).is_none());
    }
}
