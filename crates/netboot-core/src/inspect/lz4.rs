//! lz4's legacy format, as a kernel reads it (`lib/decompress_unlz4.c`).

use std::io::{self, BufRead, Read};

use crate::inspect::compression::Compression;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::initrd_reader::InitrdReader;

const MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// The size of an unpacked chunk and the greatest size of a packed one, in bytes
/// (`LZ4_COMPRESSBOUND`).
const CHUNK: usize = 8 << 20;
const PACKED_CHUNK: usize = CHUNK + CHUNK / 255 + 16;

/// A part in lz4's legacy format: chunks with their lengths. It ends where a length is zero, or
/// where less than four bytes are left. Everything else is a length to the kernel.
pub(super) struct Lz4<'a> {
    reader: &'a mut InitrdReader,
    packed: Vec<u8>,
    chunk: Vec<u8>,
    read: usize,
    filled: usize,
    has_chunks: bool,
}

impl<'a> Lz4<'a> {
    pub(super) fn new(reader: &'a mut InitrdReader) -> Self {
        let (packed, chunk) = (Vec::new(), Vec::new());
        Self { reader, packed, chunk, read: 0, filled: 0, has_chunks: false }
    }

    /// Unpacks the next chunk. It returns false if there is none.
    fn next_chunk(&mut self) -> io::Result<bool> {
        loop {
            let Ok(length) = <[u8; 4]>::try_from(self.reader.peek(4)?) else { return Ok(false) };
            if length == MAGIC {
                self.reader.consume(4);
                continue;
            }
            if length == [0; 4] {
                return Ok(false);
            }
            let next = self.reader.peek(16)?;
            let result = self.unpack(u32::from_le_bytes(length) as usize);
            let zeros = next.iter().take_while(|byte| **byte == 0).count();
            let is_segment =
                next[zeros..].starts_with(b"0707") || Compression::of(&next[zeros..]).is_some();
            return match result {
                Err(error) if error.raw_os_error().is_none() && self.has_chunks && is_segment => {
                    Err(io::Error::other(InitrdFormat::BehindLz4))
                }
                result => result.map(|()| true),
            };
        }
    }

    fn unpack(&mut self, length: usize) -> io::Result<()> {
        let damaged = || io::Error::other("a chunk of its lz4 part is damaged");
        if length > PACKED_CHUNK {
            return Err(damaged());
        }
        self.reader.consume(4);
        self.packed.resize(length, 0);
        self.reader.read_exact(&mut self.packed)?;
        self.chunk.resize(CHUNK, 0);
        let unpacked = lz4_flex::block::decompress_into(&self.packed, &mut self.chunk);
        (self.read, self.filled) = (0, unpacked.map_err(|_| damaged())?);
        self.has_chunks = true;
        Ok(())
    }
}

impl Read for Lz4<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.filled {
            if !self.next_chunk()? {
                return Ok(0);
            }
        }
        let read = (&self.chunk[self.read..self.filled]).read(buffer)?;
        self.read += read;
        Ok(read)
    }
}
