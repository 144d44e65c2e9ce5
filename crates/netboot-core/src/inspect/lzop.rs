//! A file of lzop, as a kernel reads it (`lib/decompress_unlzo.c`).

use std::io::{self, BufRead, Read};

use crate::inspect::damage::Damage;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::initrd_reader::InitrdReader;

/// The greatest size of an unpacked block, in bytes.
const BLOCK: usize = 256 * 1024;

/// Flags of the header: checksums of unpacked and of packed blocks, a further field, and a filter.
const ADLER32_UNPACKED: u32 = 0x1;
const ADLER32_PACKED: u32 = 0x2;
const CRC32_UNPACKED: u32 = 0x100;
const CRC32_PACKED: u32 = 0x200;
const FURTHER_FIELD: u32 = 0x40;
const FILTER: u32 = 0x800;

/// The first version of lzop with a level and a longer time in its header.
const VERSION_WITH_LEVEL: u16 = 0x0940;

/// A file of lzop: blocks with their lengths and one checksum, which the kernel skips.
pub(super) struct Lzop<'a> {
    reader: &'a mut InitrdReader,
    flags: u32,
    packed: Vec<u8>,
    block: Vec<u8>,
    read: usize,
    is_complete: bool,
}

impl<'a> Lzop<'a> {
    pub(super) fn new(reader: &'a mut InitrdReader) -> Result<Self, Damage> {
        let header = reader.peek(9 + 7 + 1 + 8 + 12 + 1 + 255 + 4)?;
        let version = header.get(9..11).ok_or(Damage::Cut)?;
        let has_level = u16::from_be_bytes([version[0], version[1]]) >= VERSION_WITH_LEVEL;
        let at_flags = 9 + 7 + usize::from(has_level);
        let flags = header.get(at_flags..at_flags + 4).ok_or(Damage::Cut)?;
        let flags = u32::from_be_bytes([flags[0], flags[1], flags[2], flags[3]]);
        let checks = flags & (ADLER32_UNPACKED | CRC32_UNPACKED);
        if flags & (FURTHER_FIELD | FILTER | ADLER32_PACKED | CRC32_PACKED) != 0
            || checks.count_ones() != 1
        {
            return Err(InitrdFormat::Lzop.into());
        }
        // The mode and the time, the name with its length, and a checksum.
        let at_name = at_flags + 4 + if has_level { 12 } else { 8 };
        let name = usize::from(*header.get(at_name).ok_or(Damage::Cut)?);
        let end = at_name + 1 + name + 4;
        if header.len() < end {
            return Err(Damage::Cut);
        }
        reader.consume(end);
        let (packed, block) = (Vec::new(), Vec::new());
        Ok(Self { reader, flags, packed, block, read: 0, is_complete: false })
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.reader.read_exact(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    fn next_block(&mut self) -> io::Result<()> {
        let damaged = || io::Error::other("a block of its lzop file is damaged");
        self.read = 0;
        self.block.clear();
        let unpacked = self.number()? as usize;
        if unpacked == 0 {
            self.is_complete = true;
            return Ok(());
        }
        let (packed, checksum) = (self.number()? as usize, self.number()?);
        if packed == 0 || packed > unpacked {
            return Err(damaged());
        }
        if unpacked > BLOCK {
            return Err(io::Error::other(InitrdFormat::Lzop));
        }
        self.packed.resize(packed, 0);
        self.reader.read_exact(&mut self.packed)?;
        if packed == unpacked {
            self.block.extend_from_slice(&self.packed);
        } else {
            self.block.resize(unpacked, 0);
            match lzokay::decompress::decompress(&self.packed, &mut self.block) {
                Ok(length) if length == unpacked => {}
                _ => return Err(damaged()),
            }
        }
        let computed = if self.flags & CRC32_UNPACKED != 0 {
            crc32fast::hash(&self.block)
        } else {
            adler2::adler32_slice(&self.block)
        };
        if computed == checksum {
            Ok(())
        } else {
            Err(io::Error::other("the checksum of an lzop block is wrong"))
        }
    }
}

impl Read for Lzop<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.block.len() && !self.is_complete {
            self.next_block()?;
        }
        let read = (&self.block[self.read..]).read(buffer)?;
        self.read += read;
        Ok(read)
    }
}
