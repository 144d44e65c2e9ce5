//! The settings of a binary cache for Nix, beside the releases of a target.

use std::fmt;
use std::sync::Arc;

use netboot_closure::{Index, NarInfo};

/// The priority that Nix takes for a cache that says none.
#[cfg(feature = "binary-cache")]
const PRIORITY: u32 = 50;

/// The parts of a cache that need a key or a decompressor.
pub(crate) trait CacheKey: fmt::Debug + Send + Sync {
    /// The name of the key.
    fn name(&self) -> &str;
    /// The public key, as `trusted-public-keys` lists it.
    fn public_key(&self) -> String;
    /// Signs a description.
    fn sign(&self, info: NarInfo) -> NarInfo;
    /// Reads the compressed index of a closure.
    fn read_index(&self, bytes: &[u8]) -> Result<Index, netboot_closure::Error>;
}

/// A binary cache for Nix in the root of a target, with the store paths of its releases' closures.
/// [`Publisher::with_binary_cache`](crate::Publisher::with_binary_cache) fills it.
///
/// The blobs of closures are the cache's archives. The cache adds `nix-cache-info` and a small
/// description for each store path, `<digest>.narinfo`, which a key of Nix signs. Machines that
/// boot never read them. Nix checks the signature of a description and the digest of an archive, so
/// the web server needs no trust.
///
/// The feature `binary-cache` adds `BinaryCache::new`.
#[derive(Debug, Clone)]
pub struct BinaryCache {
    pub(crate) key: Arc<dyn CacheKey>,
    priority: u32,
}

impl BinaryCache {
    /// Makes a cache whose descriptions this key signs.
    ///
    /// ```
    /// use netboot_closure::NixSecretKey;
    /// use netboot_publish::{BinaryCache, MemoryStore, Publisher};
    ///
    /// # fn example() -> Result<(), netboot_closure::Error> {
    /// let key = NixSecretKey::read("/etc/nix/cache.example.org-1.secret")?;
    /// println!("trusted-public-keys = {}", key.public_key());
    /// let publisher = Publisher::new(MemoryStore::new()).with_binary_cache(BinaryCache::new(key));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "binary-cache")]
    pub fn new(key: netboot_closure::NixSecretKey) -> Self {
        Self { key: Arc::new(key), priority: PRIORITY }
    }

    /// Sets the priority in `nix-cache-info`. Nix asks caches with smaller numbers first. The
    /// default is 50; `https://cache.nixos.org` has 40.
    #[must_use]
    pub fn with_priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    /// The content of `nix-cache-info` (`BinaryCacheStore::init` in Nix's
    /// `src/libstore/binary-cache-store.cc`).
    pub(crate) fn info(&self) -> String {
        format!("{INFO_START}{}\n", self.priority)
    }
}

/// The text before the priority.
const INFO_START: &str = "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: ";

/// Returns true if this program wrote a `nix-cache-info`, with whatever priority.
pub(crate) fn is_own_info(bytes: &[u8]) -> bool {
    let priority =
        bytes.strip_prefix(INFO_START.as_bytes()).and_then(|rest| rest.strip_suffix(b"\n"));
    priority.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

#[cfg(feature = "binary-cache")]
impl CacheKey for netboot_closure::NixSecretKey {
    fn name(&self) -> &str {
        self.public_key().name()
    }

    fn public_key(&self) -> String {
        self.public_key().to_string()
    }

    fn sign(&self, info: NarInfo) -> NarInfo {
        self.sign(info)
    }

    fn read_index(&self, bytes: &[u8]) -> Result<Index, netboot_closure::Error> {
        Index::from_compressed(bytes)
    }
}
