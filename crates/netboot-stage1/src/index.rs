//! Getting the index, from the disk cache or the network.

use std::io::{Read, Write};
use std::sync::Arc;

use netboot_closure::console::{ConsoleText, FailureCause, FetchProblem, Item};
use netboot_closure::{Index, Sha256};

use crate::blob_cache::BlobCache;
use crate::decode::{decode_text, digest};
use crate::disk_cache::DiskCache;
use crate::fetch::Network;
use crate::fetch::blob_reader::{Abort, Blob, BlobReader, BlobSize, Tries};
use crate::supervisor::{Halt, Job, supervise};

/// The greatest size of an index in bytes, as it is sent. An index has about 120 bytes for a path.
const SENT_LIMIT: u64 = 16 << 20;

/// The greatest size of an index in bytes, when it is decompressed.
const TEXT_LIMIT: u64 = 64 << 20;

/// Reads the index with this digest from the disk cache, or fetches it and keeps it there.
///
/// # Errors
/// [`FailureCause::FetchFailed`] and [`FailureCause::IndexMalformed`].
pub(crate) fn get(
    network: &Arc<Network>,
    cache: Option<&DiskCache>,
    wanted: Sha256,
) -> Result<Index, FailureCause> {
    let cached = cache.and_then(|cache| read_cache(cache, wanted));
    let compressed = if let Some(cached) = cached {
        network.watch().read_from_disk(cached.len() as u64);
        cached
    } else {
        let fetched = fetch(network, wanted)?;
        if let Some(cache) = cache {
            keep(cache, wanted, &fetched);
        }
        fetched
    };
    let malformed = |reason| FailureCause::IndexMalformed { reason: ConsoleText::new(reason) };
    let text = decode_text(&compressed, TEXT_LIMIT).map_err(malformed)?;
    text.parse().map_err(|error: netboot_closure::Error| malformed(error.to_string()))
}

/// Reads the index from the disk cache. A damaged one is discarded.
fn read_cache(cache: &DiskCache, wanted: Sha256) -> Option<Vec<u8>> {
    let mut reader = cache.open_sized(&wanted, 1..=SENT_LIMIT)?;
    let mut bytes = Vec::new();
    if reader.read_to_end(&mut bytes).is_ok() && digest(&bytes) == wanted {
        return Some(bytes);
    }
    cache.discard(&wanted);
    None
}

/// Keeps the index for the next boot, if there is room.
fn keep(cache: &DiskCache, digest: Sha256, bytes: &[u8]) {
    if let Some(mut writer) = cache.writer(&digest, bytes.len() as u64) {
        // Without it in the cache, the next boot fetches it again.
        let _ = writer.write_all(bytes).and_then(|()| writer.commit());
    }
}

fn fetch(network: &Arc<Network>, wanted: Sha256) -> Result<Vec<u8>, FailureCause> {
    let shared = network.clone();
    let job: Job<Vec<u8>> = Box::new(move || read(&shared, wanted));
    let patience = network.patience().total();
    let mut read = supervise(network.watch(), patience, vec![job], None, || Ok(()))?;
    Ok(read.pop().unwrap_or_default())
}

fn read(network: &Network, wanted: Sha256) -> Result<Vec<u8>, Halt> {
    let blob = Blob { item: Item::Index, digest: wanted, size: BlobSize::AtMost(SENT_LIMIT) };
    let mut tries = Tries::new(network);
    loop {
        let mut reader = BlobReader::new(network, &blob, &mut tries);
        let mut bytes = Vec::new();
        match reader.read_to_end(&mut bytes) {
            Ok(_) if digest(&bytes) == wanted => return Ok(bytes),
            Ok(_) => reader.refuse(&FetchProblem::WrongDigest),
            Err(_) if reader.abort() == Some(&Abort::TooLong) => {
                reader.refuse(&FetchProblem::TooLong { expected: SENT_LIMIT });
            }
            Err(_) => return Err(reader.into_halt()),
        }
    }
}
