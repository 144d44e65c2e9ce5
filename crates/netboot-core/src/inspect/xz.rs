//! An xz stream, with the check and the filters that kernels know (`lib/xz/xz_dec_stream.c`).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

use crate::inspect::compression::MEMORY_LIMIT;
use crate::inspect::damage::Damage;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::initrd_reader::InitrdReader;
use crate::inspect::xz_filter::XzFilter;

/// The length of the stream header and of the stream footer, and the greatest length of a block
/// header, in bytes.
const STREAM_HEADER: usize = 12;
const STREAM_FOOTER: usize = 12;
const BLOCK_HEADER: usize = 1024;

const LZMA2: u8 = 0x21;

/// Opens a stream, whose first block has filters that a kernel may know.
pub(super) fn open<'a>(reader: &'a mut InitrdReader) -> Result<Box<dyn Read + 'a>, Damage> {
    let header = reader.peek(STREAM_HEADER + BLOCK_HEADER)?;
    let check = *header.get(7).ok_or(Damage::Cut)?;
    if check > 1 && check < 16 && header[6] == 0 {
        return Err(InitrdFormat::XzCheck.into());
    }
    header.get(STREAM_HEADER..).and_then(filter_of).transpose()?;
    let stream = liblzma::stream::Stream::new_stream_decoder(MEMORY_LIMIT, 0);
    let stream = stream.map_err(io::Error::from)?;
    Ok(Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream)))
}

/// Returns the filters of all blocks of a stream that the decoder has read, from its first byte to
/// the end of its footer (The .xz File Format, sections 2.1.2 and 4).
pub(super) fn filters(file: &File, begin: u64, end: u64) -> Result<BTreeSet<XzFilter>, Damage> {
    // The file may have changed since the decoder read it.
    let changed = || Damage::problem("it was changed while it was read");
    let footer = end.checked_sub(STREAM_FOOTER as u64).ok_or_else(changed)?;
    let mut length = [0; 4];
    file.read_exact_at(&mut length, footer + 4)?;
    let index = (u64::from(u32::from_le_bytes(length)) + 1) * 4;
    let position = footer.checked_sub(index).ok_or_else(changed)?;
    let mut index = BufReader::new(At { file, position });
    let mut indicator = [0];
    index.read_exact(&mut indicator)?;
    let mut block = begin + STREAM_HEADER as u64;
    let mut filters = BTreeSet::new();
    for _ in 0..read_number(&mut index)? {
        let (size, _) = (read_number(&mut index)?, read_number(&mut index)?);
        let mut header = Vec::new();
        At { file, position: block }.take(BLOCK_HEADER as u64).read_to_end(&mut header)?;
        filters.extend(filter_of(&header).transpose()?.flatten());
        let size = size.checked_next_multiple_of(4).ok_or_else(changed)?;
        block = block.checked_add(size).ok_or_else(changed)?;
    }
    Ok(filters)
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

/// Reads a block header (The .xz File Format, section 3.1), and returns the filter before LZMA2, if
/// the block has one. It is `None` if there is no block, or if the header is cut or damaged, which
/// the decoder finds.
fn filter_of(block: &[u8]) -> Option<Result<Option<XzFilter>, InitrdFormat>> {
    const UNKNOWN: Option<Result<Option<XzFilter>, InitrdFormat>> =
        Some(Err(InitrdFormat::XzFilters));
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
    let filter = match flags & 3 {
        0 => None,
        1 => {
            let (id, properties) = (rest.next()?, rest.next()?);
            let Some(filter) = XzFilter::of_id(id).filter(|_| properties == 0) else {
                return UNKNOWN;
            };
            Some(filter)
        }
        _ => return UNKNOWN,
    };
    // The kernel knows dictionaries of less than 4 GiB.
    let (id, properties, dictionary) = (rest.next()?, rest.next()?, rest.next()?);
    if id != LZMA2 || properties != 1 || dictionary > 39 {
        return UNKNOWN;
    }
    Some(Ok(filter))
}
