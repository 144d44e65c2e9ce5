//! An xz stream, with the check and the filters that kernels know (`lib/xz/xz_dec_stream.c`).

use std::io::{self, Read};

use crate::inspect::compression::MEMORY_LIMIT;
use crate::inspect::damage::Damage;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::initrd_reader::InitrdReader;

/// The length of the stream header, and the greatest length of a block header, in bytes.
const STREAM_HEADER: usize = 12;
const BLOCK_HEADER: usize = 1024;

/// The filters of x86, POWER, ARM, ARM-Thumb and SPARC. Kernels have those of ARM64 and RISC-V only
/// since 6.12, and that of IA-64 no longer.
const KNOWN_FILTERS: [u8; 5] = [4, 5, 7, 8, 9];
const LZMA2: u8 = 0x21;

/// Opens a stream. Only its first block's filters are checked: a program gives all blocks the same.
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
    Ok(Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream)))
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
