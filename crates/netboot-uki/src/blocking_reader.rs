//! Reading an artifact in a thread that may block.

use std::io::{self, Read};

use netboot_core::ArtifactReader;
use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;

/// Reads an artifact by blocking the thread. The thread must be one of `spawn_blocking`.
pub(crate) struct BlockingReader {
    reader: ArtifactReader,
    runtime: Handle,
}

impl BlockingReader {
    /// Takes the reader. The caller is within a runtime of Tokio.
    pub(crate) fn new(reader: ArtifactReader) -> Self {
        Self { reader, runtime: Handle::current() }
    }
}

impl Read for BlockingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.runtime.block_on(self.reader.read(buffer))
    }
}
