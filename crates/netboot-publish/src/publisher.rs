//! The one publishing algorithm, over any [`Store`].

mod activate;
mod content;
mod entry_points;
mod images;
mod legacy_links;
mod place;
mod plan;
mod prepare;
mod prove;
mod prune;
mod publish;
mod repair;
mod settle;
mod signing;
mod stage;
mod target;
mod unchanged;
mod verify;
#[cfg(feature = "http")]
mod verify_public;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use netboot_core::{PointerName, ReleaseId, ReleasePath, layout};
use serde::Serialize;

pub use self::activate::RollbackTo;
#[cfg(feature = "http")]
pub(crate) use self::content::to_read;
pub use self::plan::Plan;
pub(crate) use self::prepare::Prepared;
pub use self::prune::{PruneReport, Retention};
pub use self::repair::{RepairReport, RepairSource};
pub use self::stage::Staged;
pub(crate) use self::stage::damaged;
pub(crate) use self::target::PointerState;
pub use self::verify::{VerifyDepth, VerifyReport, VerifyScope};
#[cfg(feature = "http")]
pub(crate) use self::whole::required;
use crate::pointer::{Activation, ActivationKind, Pointer};
use crate::signature::{Signer, TrustedKey};
use crate::{Error, Store};

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
    legacy_links: bool,
    replace_foreign: bool,
    verification: VerifyDepth,
    signer: Option<Arc<dyn Signer>>,
    trusted_keys: Option<Arc<[TrustedKey]>>,
}

impl From<Arc<dyn Store>> for Publisher {
    fn from(store: Arc<dyn Store>) -> Self {
        let pointer = PointerName::default();
        Self {
            store,
            pointer,
            legacy_links: false,
            replace_foreign: false,
            verification: VerifyDepth::Listing,
            signer: None,
            trusted_keys: None,
        }
    }
}

/// A release in the history of a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The release.
    pub release: ReleaseId,
    /// When it became the live one, by the publisher's clock, to the second.
    pub activated_at: SystemTime,
    /// How it became the live one.
    pub kind: ActivationKind,
    /// Whether it is the live one: only the first entry can be.
    pub live: bool,
    /// Whether it is still at the target, with every object there in its right size: whether one
    /// can roll back to it.
    pub whole: bool,
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
        self.legacy_links = legacy_links;
        self
    }

    /// Sets whether files that netboot did not write are replaced where a pointer, an entry point
    /// or a link of the old layout belongs. Not set at first: they are an error
    /// ([`Error::ForeignFile`]).
    #[must_use]
    pub fn with_replace_foreign(mut self, replace_foreign: bool) -> Self {
        self.replace_foreign = replace_foreign;
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

    /// The store that is published to.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The pointer that decides what is live.
    pub fn pointer(&self) -> &PointerName {
        &self.pointer
    }

    /// The live release; `None` while the pointer is not there, or is somebody else's.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`]; when the target cannot be reached or read.
    pub async fn live(&self) -> Result<Option<ReleaseId>, Error> {
        let state = self.read_pointer().await?;
        state.understood()?;
        Ok(state.live())
    }

    /// The release that [`RollbackTo::Previous`] would make live; `None` where there is none. For a
    /// caller that writes down what it is about to do, so that doing it again goes no further.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`]; when the target cannot be reached or read.
    pub async fn previous(&self) -> Result<Option<ReleaseId>, Error> {
        let state = self.read_pointer().await?;
        state.understood()?;
        Ok(state.pointer().and_then(Pointer::previous))
    }

    /// What was live, newest first.
    ///
    /// # Errors
    /// [`Error::MalformedPointer`]; when the target cannot be reached or read.
    pub async fn history(&self) -> Result<Vec<HistoryEntry>, Error> {
        let state = self.read_pointer().await?;
        state.understood()?;
        let activations = state.history().to_vec();
        let mut whole = BTreeMap::new();
        let releases: BTreeSet<ReleaseId> =
            activations.iter().map(|activation| activation.release).collect();
        for release in releases {
            whole.insert(release, self.is_whole(&release).await?);
        }
        let entry = |(position, activation): (usize, &Activation)| HistoryEntry {
            release: activation.release,
            activated_at: activation.at(),
            kind: activation.kind,
            live: position == 0,
            whole: whole.get(&activation.release) == Some(&true),
        };
        Ok(activations.iter().enumerate().map(entry).collect())
    }

    /// The releases at the target, live or not, whole or not: those that have a manifest.
    ///
    /// # Errors
    /// When the target cannot be reached or read.
    pub async fn releases(&self) -> Result<BTreeSet<ReleaseId>, Error> {
        let listed = self.list_releases().await?;
        let staged = listed
            .into_iter()
            .filter(|(_, files)| files.keys().any(|path| *path == layout::manifest().as_str()));
        Ok(staged.map(|(release, _)| release).collect())
    }

    fn pointer_path(&self) -> ReleasePath {
        layout::pointer(&self.pointer)
    }
}
