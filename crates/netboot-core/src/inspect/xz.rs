//! An xz stream, with the check and the filters that kernels know (`lib/xz/xz_dec_stream.c`).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

use crate::inspect::compression::MEMORY_LIMIT;
use crate::inspect::damage::Damage;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::initrd_reader::{InitrdReader, Positioned};

/// The length of the stream header and of the stream footer, and the greatest length of a block
/// header, in bytes.
const STREAM_HEADER: usize = 12;
const STREAM_FOOTER: usize = 12;
const BLOCK_HEADER: usize = 1024;

/// The filters of x86, POWER, ARM, ARM-Thumb and SPARC. Kernels have those of ARM64 and RISC-V only
/// since 6.12, and that of IA-64 no longer.
const KNOWN_FILTERS: [u8; 5] = [4, 5, 7, 8, 9];
const LZMA2: u8 = 0x21;

/// A stream. Its first block's filters are checked at its start, and all blocks' at its end, where
/// the index tells their positions.
struct Xz<'a> {
    decoder: liblzma::bufread::XzDecoder<&'a mut InitrdReader>,
    begin: u64,
    is_complete: bool,
}

/// Opens a stream.
pub(super) fn open<'a>(reader: &'a mut InitrdReader) -> Result<Box<dyn Read + 'a>, Damage> {
    let header = reader.peek(STREAM_HEADER + BLOCK_HEADER)?;
    let check = *header.get(7).ok_or(Damage::Cut)?;
    if check > 1 && check < 16 && header[6] == 0 {
        return Err(InitrdFormat::XzCheck.into());
    }
    if header.get(STREAM_HEADER..).is_some_and(|block| has_unknown_filters(block) == Some(true)) {
        return Err(InitrdFormat::XzFilters.into());
    }
    let stream = liblzma::stream::Stream::new_stream_decoder(MEMORY_LIMIT, 0);
    let stream = stream.map_err(io::Error::from)?;
    let begin = reader.position();
    let decoder = liblzma::bufread::XzDecoder::new_stream(reader, stream);
    Ok(Box::new(Xz { decoder, begin, is_complete: false }))
}

impl Read for Xz<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_complete || buffer.is_empty() {
            return Ok(0);
        }
        let read = self.decoder.read(buffer)?;
        if read == 0 {
            self.is_complete = true;
            let reader = self.decoder.get_ref();
            check_blocks(reader.file(), self.begin, reader.position())?;
        }
        Ok(read)
    }
}

/// Checks the filters of each block of a stream that the decoder has read, from its first byte to
/// the end of its footer (The .xz File Format, sections 2.1.2 and 4).
fn check_blocks(file: &File, begin: u64, end: u64) -> io::Result<()> {
    // The file may have changed since the decoder read it.
    let changed = || io::Error::other("it was changed while it was read");
    let footer = end.checked_sub(STREAM_FOOTER as u64).ok_or_else(changed)?;
    let mut length = [0; 4];
    file.read_exact_at(&mut length, footer + 4)?;
    let index = (u64::from(u32::from_le_bytes(length)) + 1) * 4;
    let position = footer.checked_sub(index).ok_or_else(changed)?;
    let mut index = BufReader::new(At { file, position });
    let mut indicator = [0];
    index.read_exact(&mut indicator)?;
    let mut block = begin + STREAM_HEADER as u64;
    for _ in 0..read_number(&mut index)? {
        let (size, _) = (read_number(&mut index)?, read_number(&mut index)?);
        let mut header = Vec::new();
        At { file, position: block }.take(BLOCK_HEADER as u64).read_to_end(&mut header)?;
        if has_unknown_filters(&header) == Some(true) {
            return Err(io::Error::other(InitrdFormat::XzFilters));
        }
        let size = size.checked_next_multiple_of(4).ok_or_else(changed)?;
        block = block.checked_add(size).ok_or_else(changed)?;
    }
    Ok(())
}

/// Reads a number of seven bits in each byte (section 1.2). The decoder has checked its size.
fn read_number(index: &mut impl Read) -> io::Result<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let mut byte = [0];
        index.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7f).unbounded_shl(shift);
        shift += 7;
        if byte[0] & 0x80 == 0 {
            return Ok(number);
        }
    }
}

/// A file that is read from a position, without moving the position of its reader.
struct At<'a> {
    file: &'a File,
    position: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

/// Reads a block header (The .xz File Format, section 3.1). It is `None` if there is no block, or
/// if the header is cut or damaged, which the decoder finds.
fn has_unknown_filters(block: &[u8]) -> Option<bool> {
    let length = match *block.first()? {
        0 => return None,
        length => (usize::from(length) + 1) * 4,
    };
    let header = block.get(..length)?;
    let flags = header[1];
    let mut rest = header[2..].iter().copied();
    for is_there in [flags & 0x40 != 0, flags & 0x80 != 0] {
        if is_there {
            rest.find(|byte| byte & 0x80 == 0)?;
        }
    }
    let filters = flags & 3;
    if filters > 1 {
        return Some(true);
    }
    if filters == 1 {
        let (id, properties) = (rest.next()?, rest.next()?);
        if !KNOWN_FILTERS.contains(&id) || properties != 0 {
            return Some(true);
        }
    }
    // The kernel knows dictionaries of less than 4 GiB.
    let (id, properties, dictionary) = (rest.next()?, rest.next()?, rest.next()?);
    Some(id != LZMA2 || properties != 1 || dictionary > 39)
}
