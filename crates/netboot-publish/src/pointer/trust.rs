//! The pointers to trust: the check that every pointer passes wherever it is read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use netboot_core::PointerName;

use crate::clock::Clock;
use crate::error::Error;
use crate::pointer::problem::PointerProblem;
use crate::pointer::{Pointer, PointerContent};
use crate::pointer_memory::{KnownPointer, PointerMemory};
use crate::signature::signature_file;
use crate::signature::trusted_keys::TrustedKeys;
use crate::store::Store;

/// The keys that may sign pointers, and what is known of earlier pointers.
#[derive(Debug, Clone)]
pub(crate) struct PointerTrust {
    /// The keys, of which one has to sign. Without them, every pointer is trusted.
    pub(crate) keys: Option<TrustedKeys>,
    pub(crate) memory: Arc<dyn PointerMemory>,
    pub(crate) clock: Arc<dyn Clock>,
    /// True if a pointer with a known counter has to be the known one. Without compare-and-swap,
    /// two publishers can give their pointers one counter without meaning harm.
    pub(crate) counters_are_unique: bool,
}

impl PointerTrust {
    /// Returns the name under which the memory knows a store; empty if nothing is remembered.
    pub(crate) async fn place(&self, store: &dyn Store) -> Result<String, Error> {
        if self.keys.is_none() { Ok(String::new()) } else { store.place().await }
    }

    /// Returns the newest known pointer of a place. A caller asks before it reads the pointer, so
    /// that a pointer that another task writes meanwhile does not make this one look old.
    pub(crate) async fn recall(
        &self,
        place: &str,
        name: &PointerName,
    ) -> Result<Option<KnownPointer>, Error> {
        if self.keys.is_none() {
            return Ok(None);
        }
        let (memory, place, name) = (self.memory.clone(), place.to_owned(), name.clone());
        netboot_core::blocking(move || memory.recall(&place, &name)).await
    }

    /// Returns the names of the pointers that were seen at a place.
    pub(crate) async fn known_names(&self, place: &str) -> Result<BTreeSet<PointerName>, Error> {
        if self.keys.is_none() {
            return Ok(BTreeSet::new());
        }
        let (memory, place) = (self.memory.clone(), place.to_owned());
        netboot_core::blocking(move || memory.names(&place)).await
    }

    /// Remembers a trusted pointer. A memory that cannot be written is not a reason to stop, since
    /// machines would stay without an answer.
    pub(crate) async fn remember(&self, place: &str, name: &PointerName, pointer: &Pointer) {
        let Some(known) = KnownPointer::of(pointer).filter(|_| self.keys.is_some()) else { return };
        let (memory, place, name) = (self.memory.clone(), place.to_owned(), name.clone());
        let remembered =
            netboot_core::blocking(move || memory.remember(&place, &name, &known)).await;
        if let Err(error) = remembered {
            tracing::warn!(%error, "cannot remember the counter of a pointer");
        }
    }

    /// Lets a pointer pass that was read from a place after `known` was recalled, or says why it is
    /// not trusted. Remembers it if it is newer.
    pub(crate) async fn admit(
        &self,
        place: &str,
        name: &PointerName,
        content: PointerContent,
        known: Option<&KnownPointer>,
    ) -> PointerContent {
        let (PointerContent::Pointer(pointer), Some(keys)) = (content.clone(), &self.keys) else {
            return content;
        };
        if let Err(problem) = self.check(&pointer, keys, name, known) {
            return PointerContent::Untrusted { pointer, problem };
        }
        if known.map(|known| known.counter) < pointer.counter() {
            self.remember(place, name, &pointer).await;
        }
        content
    }

    /// Checks everything of a pointer but its best-before date and its script.
    fn check(
        &self,
        pointer: &Pointer,
        keys: &TrustedKeys,
        name: &PointerName,
        known: Option<&KnownPointer>,
    ) -> Result<(), PointerProblem> {
        let Some(stamp) = &pointer.stamp else { return Err(PointerProblem::Unsigned) };
        let signatures =
            Some(pointer.signatures.as_bytes()).filter(|signatures| !signatures.is_empty());
        let (message, comment) = (pointer.signed_bytes(), stamp.trusted_comment());
        signature_file::check(keys, &message, &comment, signatures)
            .map_err(PointerProblem::of_signature)?;
        if stamp.name != *name {
            return Err(PointerProblem::OtherName { name: stamp.name.clone() });
        }
        let counter = stamp.counter;
        match (known, KnownPointer::of(pointer)) {
            (Some(known), _) if counter < known.counter => {
                Err(PointerProblem::RolledBack { counter, known: known.counter })
            }
            (Some(known), Some(found))
                if self.counters_are_unique
                    && counter == known.counter
                    && found.sha256 != known.sha256 =>
            {
                Err(PointerProblem::SameCounter { counter })
            }
            _ => Ok(()),
        }
    }

    /// Returns the problem of a trusted pointer whose best-before date has passed.
    pub(crate) fn expired(&self, pointer: &Pointer) -> Option<PointerProblem> {
        let stamp = pointer.stamp.as_ref().filter(|_| self.keys.is_some())?;
        let best_before = stamp.expired(self.now())?;
        Some(PointerProblem::Expired { best_before })
    }

    fn now(&self) -> SystemTime {
        self.clock.now()
    }
}
