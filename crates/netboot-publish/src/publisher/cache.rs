//! The binary cache beside the releases: what Nix needs to find the store paths of closures.

mod fill;
mod mend;
mod survey;
pub(crate) mod unused;
mod verify;
mod wanted;

use crate::binary_cache::BinaryCache;
use crate::publisher::Publisher;

impl Publisher {
    /// Makes the target a binary cache for Nix as well. Staging and publishing then write a signed
    /// description for each store path of the release's closures, in the root of the target, and
    /// `nix-cache-info`. Several releases share them. If two releases have a store path in
    /// different blobs, the description leads to the blob of the release that was published last.
    ///
    /// The publisher finds out by a listing which descriptions are missing. It never replaces or
    /// deletes a file of another binary cache
    /// ([`CacheChange::foreign`](crate::CacheChange::foreign)).
    /// [`prune`](Self::prune) deletes descriptions before the blobs they lead to, whether or not
    /// this is set. [`repair`](Self::repair) writes damaged descriptions again.
    #[must_use]
    pub fn with_binary_cache(mut self, cache: BinaryCache) -> Self {
        self.binary_cache = Some(cache);
        self
    }
}
