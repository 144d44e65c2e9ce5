//! All releases of a target at once: what they are, and whether they are whole.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use futures::future::try_join;
use futures::{StreamExt, TryStreamExt, stream};
use netboot_core::layout::{self, Location};
use netboot_core::{Manifest, PointerName, ProfileName, ReleaseId, ReleasePath};

use crate::error::Error;
use crate::pointer::activation::Activation;
use crate::publisher::Publisher;
use crate::publisher::checks::objects::required;
use crate::publisher::checks::whole::check_sizes;
use crate::publisher::history::HistoryEntry;
use crate::publisher::inventory::presence::Presence;
use crate::publisher::inventory::records::{ReadRecord, Records, WantedRecord};
use crate::publisher::inventory::release_files::ReleaseFiles;
use crate::publisher::inventory::untrusted_manifest::UntrustedManifest;
use crate::store::{Entry, ListScope};

/// The number of other pointers that are read at once.
const PARALLEL_POINTERS: usize = 8;

/// The releases of a target, and the pointers that make them live.
#[derive(Debug)]
#[non_exhaustive]
pub struct Overview {
    /// The releases that were live, newest first. Empty if the pointer does not say it.
    pub history: Vec<HistoryEntry>,
    /// The reason why the pointer does not say what is live: one of the errors
    /// [`Error::MalformedPointer`], [`Error::UntrustedPointer`] and [`Error::ForeignFile`].
    pub problem: Option<Error>,
    /// The other pointers that can be understood and trusted, with the releases that they make
    /// live.
    pub other_pointers: BTreeMap<PointerName, ReleaseId>,
    /// The releases that have a file at the target, live or not, whole or not.
    pub releases: BTreeMap<ReleaseId, ReleaseOverview>,
}

/// A release of an [`Overview`].
#[derive(Debug)]
#[non_exhaustive]
pub struct ReleaseOverview {
    /// The time when it was last staged, by the target's clock. `None` if it has no manifest.
    pub staged_at: Option<SystemTime>,
    /// True if the target has every object of it in the right size. It says nothing about
    /// signatures.
    pub whole: bool,
    /// Its content; or why its manifest does not say it: [`Error::NotStaged`],
    /// [`Error::MalformedManifest`] or [`Error::Signature`].
    pub summary: Result<ReleaseSummary, Error>,
}

/// The content of a release, by its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReleaseSummary {
    /// The profiles that have an image.
    pub profiles: Vec<ProfileName>,
    /// The profiles whose image has a UKI.
    pub ukis: Vec<ProfileName>,
    /// The size in bytes of all of its objects, also of those that other releases have too.
    pub size: u64,
}

impl Publisher {
    /// Looks at all releases of the target: what is live, was live and is staged, and what is
    /// whole. It costs two listings and the manifests, many at once, and holds no lock.
    ///
    /// A release that another publisher deletes meanwhile is not whole, or is left out.
    ///
    /// ```
    /// use netboot_core::Context;
    /// use netboot_publish::{MemoryStore, Publisher};
    /// # use netboot_publish::contract::sample_release;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let publisher = Publisher::new(MemoryStore::new());
    /// publisher.publish(&sample_release("one"), &Context::new()).await?;
    /// let overview = publisher.overview().await?;
    /// assert!(overview.problem.is_none() && overview.history[0].live);
    /// assert!(overview.releases.values().all(|release| release.whole));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the target cannot be reached or read.
    pub async fn overview(&self) -> Result<Overview, Error> {
        let (pointers, releases) = try_join(self.pointers(), self.look_at_releases()).await?;
        let Pointers { activations, problem, others } = pointers;
        let is_whole = |release: &ReleaseId| {
            let found = releases.get(release);
            found.is_some_and(|found| found.whole && found.summary.is_ok())
        };
        let history = HistoryEntry::all(&activations, is_whole);
        Ok(Overview { history, problem, other_pointers: others, releases })
    }

    async fn pointers(&self) -> Result<Pointers, Error> {
        let others = self.other_pointers().await?;
        let state = self.read_pointer().await?;
        let trusted = match state.trusted() {
            Ok(()) if state.is_foreign() => {
                let (path, store) = (state.path.clone(), self.store.to_string());
                Err(Error::ForeignFile { path, store })
            }
            trusted => trusted,
        };
        if let Err(problem) = trusted {
            return Ok(Pointers { activations: Vec::new(), problem: Some(problem), others });
        }
        let problem = self.problem_of_live(&state).await?;
        let problem = problem.map(|problem| state.refusal(problem));
        Ok(Pointers { activations: state.history().to_vec(), problem, others })
    }

    /// The other pointers, with the releases that they make live.
    async fn other_pointers(&self) -> Result<BTreeMap<PointerName, ReleaseId>, Error> {
        let listed = self.store.list(&ListScope::Root).await?;
        let names = listed.iter().filter_map(|listed| match Location::parse(&listed.path) {
            Some(Location::Pointer(name)) if name != self.pointer => Some(name),
            _ => None,
        });
        let lives: Vec<_> = names.map(|name| self.live_by(name)).collect();
        let lives = stream::iter(lives).buffer_unordered(PARALLEL_POINTERS);
        let lives: Vec<_> = lives.try_collect().await?;
        Ok(lives.into_iter().filter_map(|(name, live)| Some((name, live?))).collect())
    }

    async fn live_by(&self, name: PointerName) -> Result<(PointerName, Option<ReleaseId>), Error> {
        let Ok(other) = self.clone().with_pointer(name.clone());
        match other.live().await {
            Ok(live) => Ok((name, live)),
            // It may also be an entry point, which has the place of a pointer.
            Err(
                Error::MalformedPointer { .. }
                | Error::UntrustedPointer { .. }
                | Error::ForeignFile { .. },
            ) => Ok((name, None)),
            Err(error) => Err(error),
        }
    }

    /// Looks at every release that has a file.
    async fn look_at_releases(&self) -> Result<BTreeMap<ReleaseId, ReleaseOverview>, Error> {
        let store = self.store.as_ref();
        let listed = store.list(&ListScope::Below(layout::releases())).await?;
        // A publisher sends the blobs of a release before its manifest.
        let blobs = store.list(&ListScope::Below(layout::blobs())).await?;
        let presence = Presence::of(&listed, &blobs);
        drop(blobs);
        let (mut releases, mut wanted) = (BTreeMap::new(), Vec::new());
        let beside = self.signing.files();
        for (release, files) in ReleaseFiles::of(listed) {
            let staged_at = files.get(&layout::manifest()).and_then(Entry::modified);
            if files.is_staged() {
                let record = layout::manifest();
                wanted.push(WantedRecord::listed(release, &files, record, &beside));
            }
            let summary = Err(Error::NotStaged { release });
            releases.insert(release, ReleaseOverview { staged_at, whole: false, summary });
        }
        let (mut records, mut doubted) = (Records::new(store, wanted), BTreeMap::new());
        while let Some(batch) = records.next().await? {
            for read in batch {
                let Some(found) = releases.get_mut(&read.release) else { continue };
                let missing = self.judge(&read, &presence, found)?;
                doubted.extend(missing.map(|path| (path, read.release)));
            }
        }
        self.look_again(doubted, &mut releases).await?;
        Ok(releases)
    }

    /// Writes down what the record of a release says. Returns an object that the listings lack.
    fn judge(
        &self,
        read: &ReadRecord,
        presence: &Presence,
        found: &mut ReleaseOverview,
    ) -> Result<Option<ReleasePath>, Error> {
        let release = read.release;
        let stored = match read.manifest() {
            Ok(Some(stored)) => stored,
            // Another publisher deleted it meanwhile.
            Ok(None) => return Ok(None),
            Err(error @ Error::MalformedManifest { .. }) => {
                found.summary = Err(error);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let signatures = read.beside(&layout::manifest_signature());
        found.summary = match self.signing.problem_with(&stored, signatures.map(|it| &it[..])) {
            Some(problem) => Err(Error::Signature { release, problem }),
            None => Ok(ReleaseSummary::of(stored.unchecked())),
        };
        let objects = required(stored.unchecked());
        let missing = presence.damaged(&objects).next().cloned();
        found.whole = missing.is_none();
        Ok(missing)
    }

    /// Looks up by their names the objects that listings left out: a listing may show the files of
    /// a release while another publisher is still sending them.
    async fn look_again(
        &self,
        doubted: BTreeMap<ReleasePath, ReleaseId>,
        releases: &mut BTreeMap<ReleaseId, ReleaseOverview>,
    ) -> Result<(), Error> {
        if doubted.is_empty() {
            return Ok(());
        }
        let store = self.store.as_ref();
        let paths: Vec<ReleasePath> = doubted.keys().cloned().collect();
        let there = store.stat(&paths).await?;
        let again: BTreeSet<ReleaseId> =
            there.keys().filter_map(|path| doubted.get(path)).copied().collect();
        for release in again {
            let stored = UntrustedManifest::find_sound(store, &release).await?;
            let (Some(stored), Some(found)) = (stored, releases.get_mut(&release)) else {
                continue;
            };
            let (findings, _) = check_sizes(store, required(stored.unchecked())).await?;
            found.whole = findings.is_empty();
        }
        Ok(())
    }
}

/// The pointers of a target.
struct Pointers {
    activations: Vec<Activation>,
    problem: Option<Error>,
    others: BTreeMap<PointerName, ReleaseId>,
}

impl ReleaseSummary {
    fn of(manifest: &Manifest) -> Self {
        let with_uki = manifest.images().iter().filter(|(_, image)| image.uki.is_some());
        Self {
            profiles: manifest.images().keys().cloned().collect(),
            ukis: with_uki.map(|(profile, _)| profile.clone()).collect(),
            size: manifest.objects().values().map(|object| object.size).sum(),
        }
    }
}
