//! Putting all store paths into their place, with several connections at the same time.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use netboot_closure::console::{
    ConsoleLine, ConsoleText, FailureCause, FetchProblem, Item, StoreForm, StoreProgress, Warning,
};
use netboot_closure::{Error as ClosureError, IndexEntry};

use crate::blob_cache::{BlobCache, BlobWriter};
use crate::decode::{Unpacked, unpack, with_source};
use crate::fetch::Network;
use crate::fetch::blob_reader::{Blob, BlobReader, BlobSize, Tries};
use crate::store_directory::StoreDirectory;
use crate::supervisor::{Halt, Job, supervise};

/// Puts store paths into their place.
pub(crate) struct Assembly {
    network: Arc<Network>,
    store: StoreDirectory,
    cache: Arc<dyn BlobCache>,
    queue: Mutex<VecDeque<IndexEntry>>,
}

impl Assembly {
    /// Plans to fetch `entries`, the largest first: a large one that came last would keep one
    /// connection at work alone.
    pub(crate) fn new(
        network: Arc<Network>,
        store: StoreDirectory,
        cache: Arc<dyn BlobCache>,
        mut entries: Vec<IndexEntry>,
    ) -> Self {
        entries.sort_unstable_by(|a, b| {
            b.blob_size.cmp(&a.blob_size).then_with(|| a.path.cmp(&b.path))
        });
        Self { network, store, cache, queue: Mutex::new(entries.into()) }
    }

    /// Fetches everything with so many connections. `total` is the state at the end.
    pub(crate) fn run(
        self,
        connections: usize,
        total: StoreProgress,
        form: StoreForm,
        mut progress: impl FnMut(StoreProgress) -> Result<(), FailureCause>,
    ) -> Result<(), FailureCause> {
        let network = self.network.clone();
        let all = Arc::new(self);
        let job = || -> Job<()> {
            let all = all.clone();
            Box::new(move || all.work())
        };
        let jobs = (0..connections).map(|_| job()).collect();
        let look = || {
            let counts = network.watch().counts();
            progress(StoreProgress {
                paths: counts.paths,
                bytes: counts.bytes,
                from_network: counts.from_network,
                from_disk: counts.from_disk,
                ..total
            })
        };
        supervise(network.watch(), network.patience().total(), jobs, Some(form), look).map(drop)
    }

    /// Takes store paths from the queue until it is empty.
    fn work(&self) -> Result<(), Halt> {
        while let Some(entry) = self.next() {
            if !self.unpack_cached(&entry)? {
                self.unpack_fetched(&entry)?;
            }
            self.store.complete(&entry)?;
            self.network.watch().completed(entry.blob_size);
        }
        Ok(())
    }

    fn next(&self) -> Option<IndexEntry> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Unpacks a store path from the cache. Returns false if the cache does not have it, or has it
    /// damaged.
    fn unpack_cached(&self, entry: &IndexEntry) -> Result<bool, Halt> {
        let Some(mut blob) = self.cache.open(&entry.blob, entry.blob_size) else {
            return Ok(false);
        };
        let watch = self.network.watch();
        let partial = self.store.partial(entry)?;
        match unpack(&mut blob, entry, &partial, |bytes| watch.unpacked(bytes)) {
            Unpacked::Right => {
                watch.read_from_disk(entry.blob_size);
                Ok(true)
            }
            Unpacked::WrongDigest | Unpacked::Interrupted => {
                self.cache.discard(&entry.blob);
                let warning = Warning::CacheDamaged { path: entry.path.clone() };
                self.network.say(&ConsoleLine::Warning { warning });
                Ok(false)
            }
            Unpacked::Refused(reason) => Err(refused(entry, reason)),
            Unpacked::NotWritten(error) => Err(not_written(entry, &error)),
        }
    }

    /// Unpacks a store path from the network, as often as it takes.
    fn unpack_fetched(&self, entry: &IndexEntry) -> Result<(), Halt> {
        let (digest, size) = (entry.blob, entry.blob_size);
        if size == 0 {
            return Err(refused(entry, "the index says that its blob is empty".to_owned()));
        }
        let item = Item::Path { path: entry.path.clone() };
        let blob = Blob { item, digest, size: BlobSize::Exactly(size) };
        let mut tries = Tries::new(&self.network);
        loop {
            let partial = self.store.partial(entry)?;
            let mut reader = BlobReader::new(&self.network, &blob, &mut tries);
            let writer = self.cache.writer(&digest, size);
            let mut kept = Kept { source: &mut reader, writer };
            let watch = self.network.watch();
            let unpacked = unpack(&mut kept, entry, &partial, |bytes| watch.unpacked(bytes));
            let writer = kept.writer;
            match unpacked {
                Unpacked::Right => {
                    // Without the blob in the cache, the next boot fetches it again.
                    let _ = writer.map(BlobWriter::commit);
                    return Ok(());
                }
                Unpacked::WrongDigest => reader.refuse(&FetchProblem::WrongDigest),
                Unpacked::Interrupted => return Err(reader.into_halt()),
                Unpacked::Refused(reason) => return Err(refused(entry, reason)),
                Unpacked::NotWritten(error) => return Err(not_written(entry, &error)),
            }
        }
    }
}

fn refused(entry: &IndexEntry, reason: String) -> Halt {
    let reason = ConsoleText::new(reason);
    FailureCause::PathRefused { path: entry.path.clone(), reason }.into()
}

fn not_written(entry: &IndexEntry, error: &ClosureError) -> Halt {
    match error {
        ClosureError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
            FailureCause::StoreFull { path: entry.path.clone() }.into()
        }
        ClosureError::Io { action, path, source } => {
            crate::store_directory::failed(action, path, source).into()
        }
        _ => refused(entry, with_source(error)),
    }
}

/// Gives a cache what is read.
struct Kept<R> {
    source: R,
    writer: Option<Box<dyn BlobWriter>>,
}

impl<R: Read> Read for Kept<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        if self.writer.as_mut().is_some_and(|writer| writer.write_all(&buffer[..length]).is_err()) {
            self.writer = None;
        }
        Ok(length)
    }
}
