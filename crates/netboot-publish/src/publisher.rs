//! The publishing algorithm, over any [`Store`]. Each operation is a method of [`Publisher`] in a
//! file of its own. Operations use `checks`, which compares a target with a manifest, and
//! `inventory`, which reads a target.

mod activate;
pub(crate) mod cache;
pub(crate) mod checks;
mod countersign;
mod going_live;
pub(crate) mod history;
mod images;
pub(crate) mod inventory;
pub(crate) mod overview;
pub(crate) mod plan;
pub(crate) mod prepare;
pub(crate) mod protection;
mod prove;
pub(crate) mod prune;
mod publish;
mod questions;
mod refresh;
mod rehearse;
pub(crate) mod repair;
pub(crate) mod rollback;
mod seeing;
mod settle;
mod sight;
mod stage;
mod unchanged;
pub(crate) mod uploads;
pub(crate) mod verify;
#[cfg(feature = "http")]
mod verify_public;

use std::sync::Arc;
use std::time::Duration;

use netboot_core::{PointerName, ReleasePath, layout};

use crate::binary_cache::BinaryCache;
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::pointer::Pointer;
use crate::pointer::loss::AllowedLosses;
use crate::pointer::trust::PointerTrust;
use crate::pointer_memory::{PointerMemory, VolatilePointerMemory};
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::known_objects::KnownObjects;
use crate::publisher::checks::places::PlaceRules;
use crate::publisher::checks::signing::Signing;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::publisher::sight::Sight;
use crate::signature::Signer;
use crate::signature::trusted_keys::TrustedKeys;
use crate::store::Store;

/// Publishes releases to one target, so that a machine always boots a whole release.
///
/// One object, the pointer, decides which release machines boot. [`publish`](Self::publish) sends
/// everything else first and replaces the pointer last. A crash at any point leaves the old
/// release live, and the next publish completes the work. A publisher is cheap to clone.
///
/// # Promises
/// 1. A reader that follows an entry point gets the whole release that was live at that moment,
///    even if a publisher publishes, rolls back or prunes meanwhile (within the grace time).
/// 2. The publisher does not send an object again that the target already has.
/// 3. The publisher verifies a release before it goes live. Only a whole release goes live.
/// 4. If several publishers activate at once, one wins. The others get [`Error::Conflict`], and
///    their releases are staged and whole. If the store cannot compare and swap, the last
///    publisher wins, and the [`Receipt`](crate::Receipt) says so. A publisher then reads the
///    pointer again and adds its activation to the history of a publisher that overtook it.
/// 5. The publisher never deletes a file that netboot did not write, and replaces one only if
///    [`replace_foreign`](Self::with_replace_foreign) allows it. Damage is an error, and no reason
///    to delete or overwrite.
/// 6. With [trusted keys](Self::with_trusted_keys), only a release that enough of them signed goes
///    live, and only the newest pointer of a trusted key counts.
/// 7. The images of a release can be read back with their origin, and damaged files can be
///    repaired from another place that has them.
///
/// # Files at the target
/// [`netboot_core::layout`] lists them. In addition, the publisher keeps:
/// - the texts of the static entry points at `blobs/<sha256>`, like kernels, so that a release
///   can be activated by its id alone;
/// - `releases/<id>/incomplete.json`, the manifest of a release that is being staged or pruned:
///   it says which files belong to the release while `manifest.json` is missing;
/// - the history of live releases as comments after the pointer's script, newest first, so that
///   script and history change at the same instant.
///
/// The publisher sends `manifest.json` again whenever it stages a release again. The time of that
/// file at the store says when the release was last wanted; [`prune`](Self::prune) uses it.
#[derive(Debug, Clone)]
pub struct Publisher {
    store: Arc<dyn Store>,
    pointer: PointerName,
    places: PlaceRules,
    verification: VerifyDepth,
    pub(crate) signing: Signing,
    memory: Arc<dyn PointerMemory>,
    pointer_lifetime: Option<Duration>,
    allowed_losses: AllowedLosses,
    binary_cache: Option<BinaryCache>,
    known: Arc<KnownObjects>,
    clock: Arc<dyn Clock>,
    /// The view of the store, during an operation that has one.
    sight: Option<Arc<Sight>>,
}

impl From<Arc<dyn Store>> for Publisher {
    fn from(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            pointer: PointerName::default(),
            places: PlaceRules::default(),
            verification: VerifyDepth::Listing,
            signing: Signing::default(),
            memory: Arc::new(VolatilePointerMemory::default()),
            pointer_lifetime: None,
            allowed_losses: AllowedLosses::default(),
            binary_cache: None,
            known: Arc::default(),
            clock: Arc::new(SystemClock),
            sight: None,
        }
    }
}

impl Publisher {
    /// Makes a publisher to `store` for the pointer `current`.
    pub fn new(store: impl Store + 'static) -> Self {
        Self::from(Arc::new(store) as Arc<dyn Store>)
    }

    /// Sets the pointer. Each pointer, such as `canary`, is a channel of its own over the same
    /// releases. The static entry points chain the pointer that they were rendered for.
    ///
    /// # Errors
    /// [`InvalidValue`](netboot_core::InvalidValue) for a text that is not the name of a pointer.
    pub fn with_pointer<N: TryInto<PointerName>>(mut self, pointer: N) -> Result<Self, N::Error> {
        self.pointer = pointer.try_into()?;
        Ok(self)
    }

    /// Sets whether the publisher keeps the names of the old layout as symbolic links to the live
    /// release's blobs: `<profile>/bzImage`, `<profile>/initrd`, `bzImage-<profile>` and
    /// `initrd-<profile>`, and the kernel also under the name that its architecture gives it. If
    /// an image has several initrds, the link leads to the first. The default is `false`.
    ///
    /// **A boot can mix releases**: links change one after another, after the pointer. A boot
    /// script that uses them may fetch the kernel of one release and the initrd of the next.
    /// Scripts of a release never use them.
    #[must_use]
    pub fn with_legacy_links(mut self, legacy_links: bool) -> Self {
        self.places.legacy_links = legacy_links;
        self
    }

    /// Sets whether the publisher replaces a file that netboot did not write in the place of a
    /// pointer, an entry point or a link of the old layout. The default is `false`: such a file
    /// is an error ([`Error::ForeignFile`]).
    #[must_use]
    pub fn with_replace_foreign(mut self, replace_foreign: bool) -> Self {
        self.places.replace_foreign = replace_foreign;
        self
    }

    /// Sets how closely staging checks the objects that the target already has, and how closely
    /// activation checks the release. The default compares sizes only, since the store's contract
    /// says that a sent object has arrived. At [`VerifyDepth::Content`], the publisher hashes every
    /// object before a release that needs it goes live, also the objects that it has just sent, and
    /// publishing replaces objects of the right size with wrong bytes. The publisher and its clones
    /// remember what they hashed, and read an object again only if its size or time at the store
    /// has changed.
    #[must_use]
    pub fn with_verification(mut self, depth: VerifyDepth) -> Self {
        self.verification = depth;
        self
    }

    /// Adds a signer. Staging writes a detached signature of the release's manifest,
    /// `manifest.json.minisig`, unless the target has one by this key. Several signers write their
    /// signatures one after another into that file, and staging a release again with another signer
    /// adds its signature. The release and its id do not change. If the manifest at the target is
    /// unsigned and has another origin than the release, staging replaces it before it signs.
    #[must_use]
    pub fn with_signer(mut self, signer: impl Signer + 'static) -> Self {
        self.signing.signers.push(Arc::new(signer));
        self
    }

    /// Sets the trusted keys. A release then goes live, or live again, only if enough of these keys
    /// signed its manifest ([`TrustedKeys::threshold`]) and all of its objects match the manifest
    /// byte for byte. The publisher reads each object once for that, as at
    /// [`VerifyDepth::Content`]; it does not read what the same call has just sent.
    /// [`images`](Self::images) and [`manifest`](Self::manifest) return only what these keys
    /// signed. [`verify`](Self::verify) reports missing and wrong signatures.
    ///
    /// A *pointer* then needs the signature of one of these keys. The publisher refuses a pointer
    /// that is unsigned, was signed as another pointer, or is older than one that it has seen
    /// ([`Error::UntrustedPointer`]), and it never carries the history of such a pointer on. It
    /// writes pointers only if a signer has a trusted key. A publisher with a signer and without
    /// trusted keys checks pointers with the key of the signer.
    ///
    /// Machines do not check these signatures: iPXE's `imgverify` uses another kind. Anyone who
    /// can write to the target can make machines boot other code until a `verify` at
    /// [`VerifyDepth::Content`](crate::VerifyDepth::Content) finds it.
    #[must_use]
    pub fn with_trusted_keys(mut self, keys: impl Into<TrustedKeys>) -> Self {
        self.signing.trusted_keys = Some(keys.into());
        self
    }

    /// Sets whether the publisher replaces a pointer that it cannot trust
    /// ([`Error::UntrustedPointer`]). The default is `false`. A publisher needs this once, to
    /// give a target its first signed pointer, or to recover after an attack. Nothing of the
    /// untrusted pointer stays: the new one starts a new history.
    #[must_use]
    pub fn with_replace_untrusted(mut self, replace_untrusted: bool) -> Self {
        self.places.replace_untrusted = replace_untrusted;
        self
    }

    /// Sets the memory of pointers. With trusted keys, the publisher refuses a pointer that is
    /// older than one that it has seen. The default forgets when the program ends. To give one
    /// memory to several publishers, put it into an [`Arc`].
    #[must_use]
    pub fn with_pointer_memory(mut self, memory: impl PointerMemory + 'static) -> Self {
        self.memory = Arc::new(memory);
        self
    }

    /// Sets how long a pointer may be trusted after it was written. The publisher writes a
    /// best-before date, in whole seconds, into each pointer. [`refresh`](Self::refresh) sets a new
    /// date, and so does publishing the live release again if less than half of the time is left.
    /// The default is no date, and the publisher then refuses to replace a pointer that has one
    /// ([`Error::LessProtection`]).
    ///
    /// A date limits for how long someone who holds back newer pointers (a *freeze attack*) can
    /// keep machines at an old release.
    #[must_use]
    pub fn with_pointer_lifetime(mut self, lifetime: Duration) -> Self {
        self.pointer_lifetime = Some(lifetime);
        self.allowed_losses.best_before = false;
        self
    }

    /// Lets pointers count for ever. The publisher writes no best-before date, also in the place of
    /// a pointer that has one.
    #[must_use]
    pub fn without_pointer_lifetime(mut self) -> Self {
        self.pointer_lifetime = None;
        self.allowed_losses.best_before = true;
        self
    }

    /// Sets whether a publisher without keys replaces a signed pointer by one that is not signed.
    /// The default is `false` ([`Error::LessProtection`]): readers with keys would refuse the new
    /// pointer, and machines behind them would no longer boot. To leave signing, first take the
    /// keys from all readers.
    #[must_use]
    pub fn with_unsigned_pointers(mut self, unsigned_pointers: bool) -> Self {
        self.allowed_losses.signature = unsigned_pointers;
        self
    }

    /// Sets the clock. The default is the clock of the system.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Publishes to another view of the target. The cache of known objects stays.
    #[cfg(feature = "contract")]
    pub(crate) fn with_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// The store that this publishes to.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The pointer that decides what is live.
    pub fn pointer(&self) -> &PointerName {
        &self.pointer
    }

    pub(crate) fn pointer_path(&self) -> ReleasePath {
        layout::pointer(&self.pointer)
    }

    pub(crate) async fn read_pointer(&self) -> Result<PointerState, Error> {
        PointerState::read(self.store.as_ref(), &self.pointer, &self.pointer_trust()).await
    }

    /// Remembers a pointer that this publisher wrote.
    pub(crate) async fn remember(&self, pointer: &Pointer) {
        let trust = self.pointer_trust();
        match trust.place(self.store.as_ref()).await {
            Ok(place) => trust.remember(&place, &self.pointer, pointer).await,
            Err(error) => tracing::warn!(%error, "cannot remember the counter of a pointer"),
        }
    }

    pub(crate) fn pointer_trust(&self) -> PointerTrust {
        PointerTrust {
            keys: self.signing.pointer_keys(),
            memory: self.memory.clone(),
            clock: self.clock.clone(),
            counters_are_unique: self.store.capabilities().compare_and_swap(),
        }
    }
}
