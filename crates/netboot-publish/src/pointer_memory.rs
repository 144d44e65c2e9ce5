//! The pointers that were seen before.

#[cfg(feature = "local")]
pub(crate) mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use netboot_core::{PointerName, ReleaseId, Sha256Digest};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::pointer::Pointer;

/// The newest known pointer of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KnownPointer {
    /// Its counter.
    pub counter: u64,
    /// The release that it makes live.
    pub release: ReleaseId,
    /// The digest of the bytes that its signatures cover.
    pub sha256: Sha256Digest,
}

impl KnownPointer {
    /// Returns what to remember of a pointer.
    pub(crate) fn of(pointer: &Pointer) -> Option<Self> {
        let (counter, release) = (pointer.counter()?, pointer.live()?);
        Some(Self { counter, release, sha256: Sha256Digest::of(&pointer.signed_bytes()) })
    }
}

/// Remembers the newest pointer of each place, so that nobody can put an older one back
/// unnoticed. An old pointer is signed correctly: only its counter tells that it is old.
///
/// A publisher remembers for as long as it exists, unless
/// [`Publisher::with_pointer_memory`](crate::Publisher::with_pointer_memory) gives it a memory that
/// lasts, such as `PointerMemoryFile`.
///
/// # Contract
/// - `place` is the [`place`](crate::Store::place) of a store, or a URL. Each pair of a place and a
///   pointer's name has its own memory.
/// - [`remember`](Self::remember) keeps the pointer with the higher counter. Of two pointers with
///   the same counter, it keeps the earlier one.
/// - The calls may block. They may come from several tasks at once.
pub trait PointerMemory: fmt::Debug + Send + Sync {
    /// Returns the newest known pointer.
    ///
    /// # Errors
    /// If the memory cannot be read. The pointer then counts as unreadable.
    fn recall(&self, place: &str, pointer: &PointerName) -> Result<Option<KnownPointer>, Error>;

    /// Returns the names of all pointers that were seen at a place. Pruning looks for each of them,
    /// so that a listing which leaves out a pointer does not cost its release.
    ///
    /// # Errors
    /// If the memory cannot be read. Pruning then deletes nothing.
    fn names(&self, place: &str) -> Result<BTreeSet<PointerName>, Error>;

    /// Remembers a pointer, unless one with a higher or equal counter is known.
    ///
    /// # Errors
    /// If the memory cannot be written. The caller warns and goes on.
    fn remember(
        &self,
        place: &str,
        pointer: &PointerName,
        seen: &KnownPointer,
    ) -> Result<(), Error>;
}

/// Implements the trait for a pointer.
macro_rules! forward_pointer_memory {
    ($pointer:ident) => {
        impl<M: PointerMemory + ?Sized> PointerMemory for $pointer<M> {
            fn recall(
                &self,
                place: &str,
                pointer: &PointerName,
            ) -> Result<Option<KnownPointer>, Error> {
                (**self).recall(place, pointer)
            }

            fn names(&self, place: &str) -> Result<BTreeSet<PointerName>, Error> {
                (**self).names(place)
            }

            fn remember(
                &self,
                place: &str,
                pointer: &PointerName,
                seen: &KnownPointer,
            ) -> Result<(), Error> {
                (**self).remember(place, pointer, seen)
            }
        }
    };
}

// Several publishers, for example of several sites, can share a memory.
forward_pointer_memory!(Arc);
forward_pointer_memory!(Box);

/// Returns the names of the pointers that were seen at a place.
fn names(known: &KnownPointers, place: &str) -> BTreeSet<PointerName> {
    known.get(place).map(|pointers| pointers.keys().cloned().collect()).unwrap_or_default()
}

/// The known pointers of all places, by place and name.
pub(crate) type KnownPointers = BTreeMap<String, BTreeMap<PointerName, KnownPointer>>;

/// Adds a pointer unless one with a higher or equal counter is known. Returns true if it was added.
pub(crate) fn add(
    known: &mut KnownPointers,
    place: &str,
    name: &PointerName,
    seen: &KnownPointer,
) -> bool {
    let pointers = known.entry(place.to_owned()).or_default();
    let is_newer = pointers.get(name).is_none_or(|known| known.counter < seen.counter);
    if is_newer {
        pointers.insert(name.clone(), seen.clone());
    }
    is_newer
}

/// Returns the newest pointer of this name that was seen at a place.
fn find(known: &KnownPointers, place: &str, pointer: &PointerName) -> Option<KnownPointer> {
    known.get(place).and_then(|pointers| pointers.get(pointer)).cloned()
}

/// A memory that ends with the program.
#[derive(Debug, Default)]
pub(crate) struct VolatilePointerMemory(Mutex<KnownPointers>);

impl PointerMemory for VolatilePointerMemory {
    fn recall(&self, place: &str, pointer: &PointerName) -> Result<Option<KnownPointer>, Error> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(find(&known, place, pointer))
    }

    fn names(&self, place: &str) -> Result<BTreeSet<PointerName>, Error> {
        Ok(names(&self.0.lock().unwrap_or_else(PoisonError::into_inner), place))
    }

    fn remember(
        &self,
        place: &str,
        pointer: &PointerName,
        seen: &KnownPointer,
    ) -> Result<(), Error> {
        add(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), place, pointer, seen);
        Ok(())
    }
}
