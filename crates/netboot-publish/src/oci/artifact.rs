//! The artifacts in which a registry keeps the objects of a target.
//!
//! An artifact is an image manifest of the OCI image specification
//! (<https://github.com/opencontainers/image-spec/blob/main/manifest.md>) whose layers are objects.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use netboot_core::{ReleasePath, Sha256Digest};

use super::manifest_json::{Descriptor, EMPTY_TYPE, Manifest};
use crate::web_headers::WebHeaders;

/// The media type of every manifest here.
pub(super) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The largest manifest that is read, in bytes. Registries need not accept larger ones.
pub(super) const MANIFEST_LIMIT: u64 = 4 * 1024 * 1024;
/// The most objects of one artifact, so that its manifest stays below the limit.
pub(super) const MOST_ENTRIES: usize = 4000;

const RELEASE_CONFIG_TYPE: &str = "application/vnd.netboot.manifest.v1+json";
/// The path of an object. Programs such as `oras pull` name the file after it.
const TITLE: &str = "org.opencontainers.image.title";
/// The time of an object's last write, in seconds since 1970, by the registry's clock.
const MODIFIED: &str = "vnd.netboot.modified";
/// Makes the manifest of each tag unique: a registry deletes a manifest with all its tags.
const TAG: &str = "vnd.netboot.tag";
/// Makes the manifest of each conditional write unique, so that a publisher knows its own.
const WRITE: &str = "vnd.netboot.write";
/// The longest object that stands in the manifest as well, in bytes.
const INLINE_LIMIT: u64 = 64 * 1024;

/// The kinds of artifacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole release with its blobs.
    Release,
    /// Objects that were sent together.
    Part,
    /// A file that changes, such as a pointer.
    File,
    /// A copy of what many parts say.
    Summary,
}

impl Kind {
    fn media_type(self) -> &'static str {
        match self {
            Self::Release => "application/vnd.netboot.release.v1",
            Self::Part => "application/vnd.netboot.part.v1",
            Self::File => "application/vnd.netboot.file.v1",
            Self::Summary => "application/vnd.netboot.summary.v1",
        }
    }
}

/// An object in an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) sha256: Sha256Digest,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    /// The bytes, if the manifest has them.
    pub(super) inline: Option<Bytes>,
}

pub(super) type Entries = BTreeMap<ReleasePath, Stored>;

/// Writes the manifest of an artifact for a tag. `config` is the entry that becomes its
/// configuration. `mark` makes the manifest unique.
pub(super) fn to_json(
    kind: Kind,
    tag: &str,
    entries: &Entries,
    config: Option<&ReleasePath>,
    mark: Option<&str>,
) -> Result<Bytes, serde_json::Error> {
    let layers = entries.iter().filter(|(path, _)| Some(*path) != config);
    let config = config.and_then(|path| Some((path, entries.get(path)?)));
    let manifest = Manifest {
        schema_version: 2,
        media_type: MANIFEST_TYPE.to_owned(),
        artifact_type: kind.media_type().to_owned(),
        config: match config {
            Some((path, stored)) => Descriptor {
                media_type: RELEASE_CONFIG_TYPE.to_owned(),
                ..Descriptor::of(path, stored)
            },
            None => Descriptor::empty(),
        },
        layers: layers.map(|(path, stored)| Descriptor::of(path, stored)).collect(),
        subject: None,
        annotations: [(TAG, Some(tag)), (WRITE, mark)]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect(),
    };
    serde_json::to_vec(&manifest).map(Bytes::from)
}

/// An artifact about another one.
#[derive(Debug)]
pub(super) struct Referrer {
    artifact_type: &'static str,
    pub(super) json: Bytes,
}

impl Referrer {
    pub(super) fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(&self.json)
    }

    /// Its descriptor in a list of referrers.
    pub(super) fn descriptor(&self) -> serde_json::Value {
        serde_json::json!({
            "mediaType": MANIFEST_TYPE,
            "artifactType": self.artifact_type,
            "digest": format!("sha256:{}", self.digest()),
            "size": self.json.len(),
        })
    }
}

/// Makes an artifact about the one whose manifest has this digest and this size in bytes.
pub(super) fn referrer(
    artifact_type: &'static str,
    subject: (Sha256Digest, u64),
    entries: &Entries,
) -> Result<Referrer, serde_json::Error> {
    let subject = Descriptor {
        media_type: MANIFEST_TYPE.to_owned(),
        digest: format!("sha256:{}", subject.0),
        size: subject.1,
        data: None,
        annotations: BTreeMap::new(),
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: MANIFEST_TYPE.to_owned(),
        artifact_type: artifact_type.to_owned(),
        config: Descriptor::empty(),
        layers: entries.iter().map(|(path, stored)| Descriptor::of(path, stored)).collect(),
        subject: Some(subject),
        annotations: BTreeMap::new(),
    };
    Ok(Referrer { artifact_type, json: serde_json::to_vec(&manifest)?.into() })
}

/// Reads the objects of an artifact. Returns `None` for an artifact that netboot did not write.
pub(super) fn entries(json: &[u8]) -> Option<(Kind, Entries)> {
    entries_of(serde_json::from_slice(json).ok()?)
}

/// Reads the objects of the artifact that was written under `tag`. Returns `None` for others.
pub(super) fn entries_of_tag(json: &[u8], tag: &str) -> Option<(Kind, Entries)> {
    let manifest: Manifest = serde_json::from_slice(json).ok()?;
    let is_of_tag = manifest.annotations.get(TAG).is_some_and(|it| it == tag);
    is_of_tag.then(|| entries_of(manifest)).flatten()
}

fn entries_of(manifest: Manifest) -> Option<(Kind, Entries)> {
    let mut kinds = [Kind::Release, Kind::Part, Kind::File, Kind::Summary].into_iter();
    let kind = kinds.find(|kind| kind.media_type() == manifest.artifact_type)?;
    let config = Some(manifest.config).filter(|it| it.media_type != EMPTY_TYPE);
    let entries: Option<Entries> =
        config.into_iter().chain(manifest.layers).map(Descriptor::into_entry).collect();
    Some((kind, entries?))
}

impl Descriptor {
    fn of(path: &ReleasePath, stored: &Stored) -> Self {
        let seconds = stored.modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let annotations = [(TITLE, path.to_string()), (MODIFIED, seconds.to_string())];
        Self {
            media_type: WebHeaders::of(path).content_type.to_owned(),
            digest: format!("sha256:{}", stored.sha256),
            size: stored.size,
            data: stored.inline.as_ref().map(|bytes| STANDARD.encode(bytes)),
            annotations: annotations.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }

    fn into_entry(self) -> Option<(ReleasePath, Stored)> {
        let path = ReleasePath::new(self.annotations.get(TITLE)?).ok()?;
        let seconds: u64 = self.annotations.get(MODIFIED)?.parse().ok()?;
        let sha256: Sha256Digest = self.digest.strip_prefix("sha256:")?.parse().ok()?;
        let inline = self.data.and_then(|data| STANDARD.decode(data).ok());
        let is_whole =
            |bytes: &Vec<u8>| bytes.len() as u64 == self.size && Sha256Digest::of(bytes) == sha256;
        Some((
            path,
            Stored {
                sha256,
                size: self.size,
                modified: UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?,
                inline: inline.filter(is_whole).map(Bytes::from),
            },
        ))
    }
}

impl Stored {
    /// The place of the object among all that were written to its path: the greatest is the
    /// object. Copies of an object have the same place, so all publishers see the same order.
    pub(super) fn order(&self) -> (SystemTime, Sha256Digest) {
        (self.modified, self.sha256)
    }

    /// The object with a time at which it comes after the one that is there. The clock of the
    /// registry may stand still, or count only seconds.
    pub(super) fn after(mut self, there: Option<&Self>) -> Self {
        if let Some(there) = there.filter(|there| there.order() > self.order()) {
            let is_same = there.sha256 == self.sha256;
            let step = Duration::from_secs(u64::from(!is_same));
            self.modified = there.modified.checked_add(step).unwrap_or(there.modified);
        }
        self
    }

    /// An object that was written at `modified`. A small file stands in the manifest as well.
    pub(super) fn of_file(bytes: Bytes, modified: SystemTime) -> Self {
        let (sha256, size) = (Sha256Digest::of(&bytes), bytes.len() as u64);
        let inline = Some(bytes).filter(|bytes| bytes.len() as u64 <= INLINE_LIMIT);
        Self { sha256, size, modified, inline }
    }
}

/// Reads an artifact, writes it again and reads that. Returns `None` for an artifact that netboot
/// did not write, and otherwise whether both readings are equal.
#[cfg(any(test, fuzzing))]
pub(crate) fn is_read_as_written(json: &[u8]) -> Option<bool> {
    let (kind, objects) = entries(json)?;
    let again = to_json(kind, "part-1", &objects, None, None).ok()?;
    Some(entries(&again) == Some((kind, objects)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Entries {
        let file = |text: &'static str| {
            Stored::of_file(
                Bytes::from_static(text.as_bytes()),
                UNIX_EPOCH + Duration::from_secs(9),
            )
        };
        [("current.ipxe", "#!ipxe"), ("releases/a/manifest.json", "{}")]
            .map(|(path, text)| (path.parse().unwrap(), file(text)))
            .into()
    }

    #[test]
    fn an_artifact_is_read_as_it_was_written() {
        let config = "releases/a/manifest.json".parse().unwrap();
        for config in [None, Some(&config)] {
            let json = to_json(Kind::Release, "part-1", &sample(), config, None).unwrap();
            assert_eq!(entries(&json), Some((Kind::Release, sample())));
        }
    }

    #[test]
    fn what_others_wrote_is_no_artifact_of_ours() {
        let json = to_json(Kind::Part, "part-1", &sample(), None, None).unwrap();
        let json = String::from_utf8(json.to_vec()).unwrap();
        for (from, to) in [
            ("vnd.netboot.part.v1", "vnd.other.v1"),
            ("\"current.ipxe\"", "\"../current.ipxe\""),
            ("\"vnd.netboot.modified\":\"9\"", "\"vnd.netboot.modified\":\"-9\""),
            ("sha256:", "sha512:"),
            ("schemaVersion", "schema"),
        ] {
            let other = json.replacen(from, to, 1);
            assert_ne!(other, json, "{from}");
            // The empty configuration comes first, and nobody reads its digest.
            let expected = (from == "sha256:").then(|| (Kind::Part, sample()));
            assert_eq!(entries(other.as_bytes()), expected, "{from}");
        }
        assert_eq!(entries(b"[]"), None);
    }

    #[test]
    fn bytes_in_the_manifest_have_the_size_of_their_object() {
        let json = to_json(Kind::Part, "part-1", &sample(), None, None).unwrap();
        let json = String::from_utf8(json.to_vec()).unwrap();
        let other = json.replacen("\"size\":6", "\"size\":7", 1);
        assert_ne!(other, json);
        let (_, read) = entries(other.as_bytes()).unwrap();
        assert_eq!(read[&"current.ipxe".parse().unwrap()].inline, None);
    }
}
