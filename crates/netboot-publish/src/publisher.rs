//! The one publishing algorithm, over any [`Store`]. Each operation is a method of [`Publisher`] in
//! a file of its own. They stand on `checks`, which compares a target with what it should have, and
//! on `inventory`, which reads what it has.

mod activate;
pub(crate) mod checks;
pub(crate) mod history;
mod images;
pub(crate) mod inventory;
pub(crate) mod plan;
pub(crate) mod prepare;
mod prove;
pub(crate) mod prune;
mod publish;
pub(crate) mod repair;
pub(crate) mod rollback;
mod settle;
mod stage;
mod unchanged;
pub(crate) mod uploads;
pub(crate) mod verify;
#[cfg(feature = "http")]
mod verify_public;

use std::sync::Arc;

use netboot_core::{PointerName, ReleasePath, layout};

use crate::error::Error;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::checks::places::PlaceRules;
use crate::publisher::checks::signing::Signing;
use crate::publisher::inventory::pointer_state::PointerState;
use crate::signature::{Signer, TrustedKey};
use crate::store::Store;

/// Publishes releases to one target, so that a machine always boots a whole one.
///
/// What machines boot is decided by one object, the pointer. [`publish`](Self::publish) sends
/// everything else first and replaces the pointer last; a crash at any point leaves the old
/// release live, and the next publish completes the work. Cheap to clone.
///
/// # What is promised
/// 1. A reader that follows an entry point gets the release that was live at that moment, whole,
///    whatever is published, rolled back or pruned meanwhile (within the grace time).
/// 2. What is at the target already is not sent again.
/// 3. A release is verified before it goes live, and only a whole one does.
/// 4. Of several publishers at once one wins; the others get [`Error::Conflict`], and their
///    releases are staged and whole. Where the store cannot compare and swap, the last one wins,
///    and the [`Receipt`](crate::Receipt) says so; a publisher then looks once more, and puts its
///    activation into the history of one that overtook it.
/// 5. A file that netboot did not write is neither replaced, unless
///    [`replace_foreign`](Self::with_replace_foreign) allows it, nor ever deleted.
///
/// # Where things lie
/// [`netboot_core::layout`] says it. Besides that the publisher keeps:
/// - the texts of the static entry points at `blobs/<sha256>`, like kernels, so that a release
///   can be activated by its id alone;
/// - `releases/<id>/incomplete.json`, the manifest of a release that is being staged or pruned:
///   with it, and without `manifest.json`, it is known which files are whose at any moment;
/// - behind the pointer's script, as comments, the history of what was live, newest first, so
///   that script and history change in the same instant.
///
/// `manifest.json` is sent anew whenever a release is staged again: its time at the store says
/// when the release was wanted last, which is what [`prune`](Self::prune) goes by.
#[derive(Debug, Clone)]
pub struct Publisher {
    store: Arc<dyn Store>,
    pointer: PointerName,
    places: PlaceRules,
    verification: VerifyDepth,
    signing: Signing,
}

impl From<Arc<dyn Store>> for Publisher {
    fn from(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            pointer: PointerName::default(),
            places: PlaceRules::default(),
            verification: VerifyDepth::Listing,
            signing: Signing::default(),
        }
    }
}

impl Publisher {
    /// A publisher to `store`, for the pointer `current`.
    pub fn new(store: impl Store + 'static) -> Self {
        Self::from(Arc::new(store) as Arc<dyn Store>)
    }

    /// The same for another pointer: a channel of its own, such as `canary`, over the same
    /// releases. The static entry points chain the pointer that they were rendered for.
    #[must_use]
    pub fn with_pointer(mut self, pointer: PointerName) -> Self {
        self.pointer = pointer;
        self
    }

    /// Sets whether the names of the old layout are kept as symbolic links to the live release's
    /// blobs: `<profile>/bzImage`, `<profile>/initrd`, `bzImage-<profile>`, `initrd-<profile>`,
    /// and the kernel also under the name that its architecture gives it. Of several initrds the
    /// first is linked. Not set at first.
    ///
    /// **It can tear**: links change one after another behind the pointer, so a boot script that
    /// names them may fetch the kernel of one release and the initrd of the next. Scripts of a
    /// release never use them.
    #[must_use]
    pub fn with_legacy_links(mut self, legacy_links: bool) -> Self {
        self.places.legacy_links = legacy_links;
        self
    }

    /// Sets whether files that netboot did not write are replaced where a pointer, an entry point
    /// or a link of the old layout belongs. Not set at first: they are an error
    /// ([`Error::ForeignFile`]).
    #[must_use]
    pub fn with_replace_foreign(mut self, replace_foreign: bool) -> Self {
        self.places.replace_foreign = replace_foreign;
        self
    }

    /// Sets how closely staging looks at what is at the target already, and activation at what
    /// goes live. At first sizes only: what was sent has arrived, as the store's contract says. At
    /// [`VerifyDepth::Content`] every byte of the release is read again before it goes live, and
    /// publishing mends what has other bytes in the right size.
    #[must_use]
    pub fn with_verification(mut self, depth: VerifyDepth) -> Self {
        self.verification = depth;
        self
    }

    /// Sets who signs: the manifest of each release that is staged gets a detached signature,
    /// `manifest.json.minisig`, unless it has one already that this key or a trusted one made.
    /// The release and its id stay the same. A manifest that lies at the target with other
    /// explanations than the release has, and unsigned, is written anew before it is signed.
    #[must_use]
    pub fn with_signer(mut self, signer: impl Signer + 'static) -> Self {
        self.signing.signer = Some(Arc::new(signer));
        self
    }

    /// Sets whose signatures are trusted. From then on only a release goes live, or live again,
    /// whose manifest one of these keys signed and whose scripts are, byte for byte, those that
    /// the manifest names ([`VerifyDepth::Scripts`](crate::VerifyDepth::Scripts) at least); and
    /// [`verify`](Self::verify) tells of signatures that are missing or wrong.
    ///
    /// Of kernels and initrds only the sizes are looked at, unless
    /// [`with_verification`](Self::with_verification) has them read before a release goes live.
    ///
    /// Machines do not check signatures: iPXE's own (`imgverify`) are of another kind. Whoever can
    /// write to the target can give machines what they like, until the next `verify` finds it that
    /// reads what they read ([`VerifyDepth::Content`](crate::VerifyDepth::Content)).
    #[must_use]
    pub fn with_trusted_keys(mut self, keys: impl IntoIterator<Item = TrustedKey>) -> Self {
        self.signing.trusted_keys = Some(keys.into_iter().collect());
        self
    }

    /// The store that is published to.
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
        PointerState::read(self.store.as_ref(), self.pointer_path()).await
    }
}
