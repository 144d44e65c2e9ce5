//! Fetching the index.

use std::io::Read;
use std::sync::Arc;

use netboot_closure::console::{ConsoleText, FailureCause, FetchProblem, Item};
use netboot_closure::{Index, Sha256};

use crate::decode::{decode_text, digest};
use crate::fetch::Network;
use crate::fetch::blob_reader::{Abort, Blob, BlobReader, BlobSize, Tries};
use crate::supervisor::{Halt, Job, supervise};

/// The greatest size of an index in bytes, as it is sent. An index has about 120 bytes for a path.
const SENT_LIMIT: u64 = 16 << 20;

/// The greatest size of an index in bytes, when it is decompressed.
const TEXT_LIMIT: u64 = 64 << 20;

/// Fetches and reads the index with this digest.
///
/// # Errors
/// [`FailureCause::FetchFailed`] and [`FailureCause::IndexMalformed`].
pub(crate) fn fetch(network: &Arc<Network>, wanted: Sha256) -> Result<Index, FailureCause> {
    let shared = network.clone();
    let job: Job<Vec<u8>> = Box::new(move || read(&shared, wanted));
    let patience = network.patience().total();
    let mut read = supervise(network.watch(), patience, vec![job], None, || Ok(()))?;
    let compressed = read.pop().unwrap_or_default();
    let malformed = |reason| FailureCause::IndexMalformed { reason: ConsoleText::new(reason) };
    let text = decode_text(&compressed, TEXT_LIMIT).map_err(malformed)?;
    text.parse().map_err(|error: netboot_closure::Error| malformed(error.to_string()))
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
