//! Binary caches for results.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::scale_out::store_url::StoreUrl;

/// Characters that must be encoded in the value of a URL's parameter.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// A binary cache for results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinaryCache {
    url: StoreUrl,
    signing_key_file: Option<PathBuf>,
    compression: Compression,
}

/// The compression of a binary cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Compression {
    /// No compression.
    None,
    /// Fast, and nearly as small as `xz`.
    #[default]
    Zstd,
    /// Small and slow. This is Nix's default.
    Xz,
}

impl BinaryCache {
    /// A cache with this URL: `file:///srv/cache`, or another URL that this Nix can write to.
    ///
    /// # Errors
    /// [`Error::InvalidOption`](crate::Error::InvalidOption) for a text that is not the URL of a
    /// store.
    pub fn new<U: TryInto<StoreUrl>>(url: U) -> Result<Self, U::Error> {
        let url = url.try_into()?;
        Ok(Self { url, signing_key_file: None, compression: Compression::default() })
    }

    /// The file with the secret key that signs the paths, as `nix-store
    /// --generate-binary-cache-key` writes it. Only Nix reads the file.
    #[must_use]
    pub fn with_signing_key_file(mut self, file: impl AsRef<Path>) -> Self {
        self.signing_key_file = Some(file.as_ref().to_owned());
        self
    }

    /// The compression. The default is [`Compression::Zstd`].
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The URL with these settings as parameters, for `nix copy --to`.
    pub(crate) fn destination(&self) -> String {
        let compression = match self.compression {
            Compression::None => "none",
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
        };
        let url = self.url.expose();
        let separator = if url.contains('?') { '&' } else { '?' };
        let mut destination = format!("{url}{separator}compression={compression}");
        if let Some(file) = &self.signing_key_file {
            destination.push_str("&secret-key=");
            destination.extend(percent_encode(file.as_os_str().as_encoded_bytes(), ESCAPED));
        }
        destination
    }
}

impl fmt::Display for BinaryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}
