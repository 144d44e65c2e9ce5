//! Packing the store paths of a closure: one compressed archive for each.

mod cache;
mod closure;
mod compress;
mod level;
pub(crate) mod path_to_pack;
mod progress;

use std::collections::{BTreeMap, HashSet};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub use self::level::CompressionLevel;
pub use self::progress::PackProgress;
use crate::error::Error;
use crate::index::Index;
use crate::index::entry::IndexEntry;
use crate::pack::cache::{Cache, Packed};
use crate::pack::compress::compress;
use crate::pack::path_to_pack::PathToPack;
use crate::pack::progress::Watch;

/// The size of the cache in bytes that a packer keeps by default: 8 GiB.
const DEFAULT_BUDGET: u64 = 8 << 30;

/// The time for which a packer keeps unused blobs by default. Another process may be publishing
/// them.
const DEFAULT_KEEP: Duration = Duration::from_secs(60 * 60);

/// Packs closures. What was packed once stays in a cache and is not packed again.
///
/// Each store path becomes one blob: its archive, as one zstd frame with a checksum and with the
/// size of the archive in its header. The packer checks each archive against the digest that Nix
/// registered, so a store that was damaged on disk is not published. It hashes each blob that it
/// takes from the cache, and packs a path again if its blob was damaged. Equal paths at one level
/// give equal blobs, on every machine with one version of this crate.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use netboot_closure::{Packer, PathToPack};
///
/// # fn pack(init: &str, paths: Vec<PathToPack>) -> Result<(), netboot_closure::Error> {
/// let packer = Packer::new("/var/cache/netboot/closures");
/// let closure = packer.pack(init, paths, &|progress| {
///     eprintln!("{} of {} bytes", progress.done_bytes, progress.total_bytes);
///     ControlFlow::Continue(())
/// })?;
/// println!("{} blobs, {} packed now", closure.blobs.len(), closure.packed);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Packer {
    cache_directory: PathBuf,
    budget: u64,
    keep: Duration,
    level: CompressionLevel,
    threads: NonZero<usize>,
}

/// A packed closure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PackedClosure {
    /// The index of the closure.
    pub index: Index,
    /// The files of the blobs in the cache, in the order of the index's entries. Each stays there
    /// for the time of [`Packer::with_keep`] at least.
    pub blobs: Vec<PathBuf>,
    /// The number of store paths that were packed now, and were not in the cache.
    pub packed: usize,
}

impl Packer {
    /// Creates a packer with a cache in this directory, which is created if it is missing. Several
    /// processes may use one cache at the same time.
    pub fn new(cache_directory: impl Into<PathBuf>) -> Self {
        Self {
            cache_directory: cache_directory.into(),
            budget: DEFAULT_BUDGET,
            keep: DEFAULT_KEEP,
            level: CompressionLevel::default(),
            threads: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
        }
    }

    /// Sets the size in bytes that the cache may have. The default is 8 GiB. The packer deletes the
    /// blobs that were not used for longest, except those that [`with_keep`](Self::with_keep)
    /// protects.
    #[must_use]
    pub fn with_budget(mut self, bytes: u64) -> Self {
        self.budget = bytes;
        self
    }

    /// Sets the time for which a blob stays in the cache after its last use, whatever the budget.
    /// The default is one hour.
    #[must_use]
    pub fn with_keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// Sets the level of compression.
    #[must_use]
    pub fn with_level(mut self, level: CompressionLevel) -> Self {
        self.level = level;
        self
    }

    /// Sets the number of threads. Each packs one store path at a time. The default is the number
    /// of processors.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZero<usize>) -> Self {
        self.threads = threads;
        self
    }

    /// Packs a closure whose system starts with the program `init`. Calls `progress` often, and
    /// stops soon after it returns [`ControlFlow::Break`]. This blocks its thread.
    ///
    /// # Errors
    /// [`Error::Cancelled`]; [`Error::ArchiveChanged`] if the files of a path are not those that
    /// Nix registered; the errors of [`dump`](crate::nar::dump) and of
    /// [`IndexBuilder::build`](crate::IndexBuilder::build); [`Error::Io`] if the cache cannot be
    /// read or written. Nothing half-written stays in the cache.
    pub fn pack(
        &self,
        init: &str,
        paths: Vec<PathToPack>,
        progress: &(dyn Fn(PackProgress) -> ControlFlow<()> + Sync),
    ) -> Result<PackedClosure, Error> {
        let cache = Cache::open(&self.cache_directory, self.level)?;
        let total = paths.iter().fold(0_u64, |sum, path| sum.saturating_add(path.nar_size));
        let watch = Watch::new(progress, total);
        let mut files = BTreeMap::new();
        let mut builder = Index::builder(init);
        let mut packed = 0;
        for (path, found, is_new) in self.pack_each(&cache, paths, &watch)? {
            packed += usize::from(is_new);
            files.insert(path.path.clone(), found.file.clone());
            builder = builder.entry(entry(path, &found));
        }
        let index = builder.build()?;
        let used: HashSet<&PathBuf> = files.values().collect();
        cache.prune(self.budget, self.keep, &used)?;
        // Both are in the order of the paths.
        Ok(PackedClosure { index, blobs: files.into_values().collect(), packed })
    }

    /// Finds each path in the cache or packs it, and tells which were packed now. The largest come
    /// first: a large one that came last would keep one thread at work alone.
    fn pack_each(
        &self,
        cache: &Cache,
        mut paths: Vec<PathToPack>,
        watch: &Watch<'_>,
    ) -> Result<Vec<(PathToPack, Packed, bool)>, Error> {
        paths
            .sort_unstable_by(|a, b| a.nar_size.cmp(&b.nar_size).then_with(|| b.path.cmp(&a.path)));
        let threads = self.threads.get().min(paths.len());
        let queue = Mutex::new(paths);
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let find_or_pack = |path: &PathToPack| match cache.find(path, watch)? {
            Some(found) => {
                watch.advance(path.nar_size)?;
                Ok((found, false))
            }
            None => Ok((compress(cache, self.level, path, watch)?, true)),
        };
        let work = || {
            let mut packed = Vec::new();
            while let Some(path) = next() {
                let (found, is_new) =
                    find_or_pack(&path).inspect_err(|_: &Error| watch.stop_others())?;
                packed.push((path, found, is_new));
            }
            Ok(packed)
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let results: Vec<Result<Vec<_>, Error>> = workers
                .into_iter()
                .map(|worker| {
                    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect();
            all(results)
        })
    }
}

/// Joins the results of threads. Of several errors, returns the one that made the others stop.
fn all<T>(results: Vec<Result<Vec<T>, Error>>) -> Result<Vec<T>, Error> {
    let (mut all, mut stopped) = (Vec::new(), None);
    for result in results {
        match result {
            Ok(some) => all.extend(some),
            Err(Error::Cancelled) => stopped = Some(Error::Cancelled),
            Err(error) => return Err(error),
        }
    }
    stopped.map_or(Ok(all), Err)
}

fn entry(path: PathToPack, packed: &Packed) -> IndexEntry {
    let PathToPack { path, nar_hash, nar_size, deriver, references, .. } = path;
    IndexEntry {
        path,
        blob: packed.blob,
        blob_size: packed.blob_size,
        nar_hash,
        nar_size,
        unpacked_bytes: packed.unpacked_bytes,
        inodes: packed.inodes,
        deriver,
        references,
    }
}
