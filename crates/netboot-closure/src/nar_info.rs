//! The descriptions by which Nix finds the store paths of a binary cache.

mod parse;

use std::fmt;

use crate::index::entry::IndexEntry;
use crate::sha256::Sha256;
use crate::store_path::StorePath;

/// The description of a store path in a binary cache: the content of `<digest>.narinfo`.
///
/// Blobs of a closure are the compressed archives of a Nix binary cache, so the description says
/// `URL: blobs/<digest>` and `Compression: zstd` (`NarInfo::to_string` in Nix's
/// `src/libstore/nar-info.cc`). Reading is strict: it accepts only the text that `Display` writes.
///
/// ```
/// use netboot_closure::{IndexEntry, NarInfo, Sha256, StorePath};
///
/// let info = NarInfo::new(&IndexEntry {
///     path: StorePath::from_base_name("s66mzxpvicwk07gjbjfw9izjfa797vsw-hello-2.12.1")?,
///     blob: Sha256::from_bytes([1; 32]),
///     blob_size: 300,
///     nar_hash: Sha256::from_bytes([2; 32]),
///     nar_size: 1000,
///     unpacked_bytes: 4096,
///     inodes: 2,
///     deriver: None,
///     references: Vec::new(),
/// });
/// assert_eq!(info.file_name(), "s66mzxpvicwk07gjbjfw9izjfa797vsw.narinfo");
/// assert!(info.to_string().contains("\nURL: blobs/0101"));
/// assert_eq!(info.to_string().parse::<NarInfo>()?, info);
/// # Ok::<(), netboot_closure::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarInfo {
    path: StorePath,
    blob: Sha256,
    blob_size: u64,
    nar_hash: Sha256,
    nar_size: u64,
    references: Vec<StorePath>,
    deriver: Option<StorePath>,
    signature: Option<NarSignature>,
}

/// A signature in a [`NarInfo`]: `<name of the key>:<64 bytes in base 64>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NarSignature(String);

/// The number of characters of a signature in base 64, with the two `=` at its end.
const SIGNATURE_LENGTH: usize = 88;

impl NarSignature {
    /// Makes a signature of a key's name and of base 64.
    #[cfg(feature = "sign")]
    pub(crate) fn new(name: &str, base64: &str) -> Self {
        Self(format!("{name}:{base64}"))
    }

    /// Reads `<name>:<base 64>`.
    fn read(text: &str) -> Option<Self> {
        let (name, base64) = text.split_once(':')?;
        let digits = base64.strip_suffix("==")?;
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        let is_signature = base64.len() == SIGNATURE_LENGTH && digits.bytes().all(is_digit);
        (is_key_name(name) && is_signature).then(|| Self(text.to_owned()))
    }

    /// The name of the key.
    pub fn key_name(&self) -> &str {
        self.0.split_once(':').map_or("", |(name, _)| name)
    }

    /// The signature in base 64.
    #[cfg(feature = "sign")]
    pub(crate) fn base64(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, base64)| base64)
    }
}

/// Returns true if a key can have this name. Nix allows more characters, but nobody uses them.
pub(crate) fn is_key_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+@".contains(&byte);
    (1..=128).contains(&name.len()) && name.bytes().all(is_allowed)
}

impl NarInfo {
    /// Describes a store path of an index. The description has no signature yet.
    pub fn new(entry: &IndexEntry) -> Self {
        let mut references = entry.references.clone();
        references.sort_unstable();
        references.dedup();
        Self {
            path: entry.path.clone(),
            blob: entry.blob,
            blob_size: entry.blob_size,
            nar_hash: entry.nar_hash,
            nar_size: entry.nar_size,
            references,
            deriver: entry.deriver.clone(),
            signature: None,
        }
    }

    /// The name of the file in the root of a binary cache: `<digest>.narinfo`.
    pub fn file_name(&self) -> String {
        format!("{}.narinfo", self.path.digest())
    }

    /// The store path.
    pub fn path(&self) -> &StorePath {
        &self.path
    }

    /// The digest of the blob.
    pub fn blob(&self) -> &Sha256 {
        &self.blob
    }

    /// The size of the blob in bytes.
    pub fn blob_size(&self) -> u64 {
        self.blob_size
    }

    /// The signature, if there is one.
    pub fn signature(&self) -> Option<&NarSignature> {
        self.signature.as_ref()
    }

    /// The text that a key signs (`ValidPathInfo::fingerprint` in Nix's
    /// `src/libstore/path-info.cc`). It covers neither the blob nor the deriver.
    pub fn fingerprint(&self) -> String {
        let Self { path, nar_hash, nar_size, references, .. } = self;
        let mut text = format!("1;{path};sha256:{};{nar_size};", nar_hash.to_base32());
        for (number, reference) in references.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            text.extend([comma, &reference.to_string()]);
        }
        text
    }

    /// Replaces the signature.
    #[cfg(feature = "sign")]
    pub(crate) fn with_signature(mut self, signature: NarSignature) -> Self {
        self.signature = Some(signature);
        self
    }

    /// The length in bytes of the description with a signature of a key of this name.
    pub fn signed_length(&self, key_name: &str) -> u64 {
        let unsigned = Self { signature: None, ..self.clone() }.to_string().len();
        (unsigned + "Sig: :\n".len() + key_name.len() + SIGNATURE_LENGTH) as u64
    }
}

/// Writes the format of Nix.
impl fmt::Display for NarInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, blob, blob_size, nar_hash, nar_size, references, .. } = self;
        writeln!(f, "StorePath: {path}\nURL: blobs/{blob}\nCompression: zstd")?;
        writeln!(f, "FileHash: sha256:{}\nFileSize: {blob_size}", blob.to_base32())?;
        writeln!(f, "NarHash: sha256:{}\nNarSize: {nar_size}", nar_hash.to_base32())?;
        let references: Vec<&str> = references.iter().map(StorePath::base_name).collect();
        writeln!(f, "References: {}", references.join(" "))?;
        if let Some(deriver) = &self.deriver {
            writeln!(f, "Deriver: {}", deriver.base_name())?;
        }
        self.signature.iter().try_for_each(|NarSignature(text)| writeln!(f, "Sig: {text}"))
    }
}
