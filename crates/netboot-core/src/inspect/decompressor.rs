//! The compressions that a kernel unpacks, each read like the kernel reads it
//! (`lib/decompress.c` and `lib/decompress_*.c` of Linux).

use std::io::{self, BufRead, Read};

use crate::inspect::compression::{Compression, MEMORY_LIMIT};
use crate::inspect::damage::Damage;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::initrd_reader::InitrdReader;
use crate::inspect::lz4::Lz4;
use crate::inspect::lzop::Lzop;
use crate::inspect::xz;

/// The maximum window of the kernel's zstd decompressor, in bytes.
const ZSTD_WINDOW_LIMIT: u64 = 1 << 27;

/// Returns a reader of what the next part of the initrd holds. At its end, the initrd was read
/// exactly to the part's end.
pub(super) fn open<'a>(
    compression: Compression,
    reader: &'a mut InitrdReader,
) -> Result<Box<dyn Read + 'a>, Damage> {
    Ok(match compression {
        Compression::Gzip => Box::new(Gzip::new(reader)?),
        Compression::Bzip2 => Box::new(bzip2::bufread::BzDecoder::new(reader)),
        Compression::Lzma => lzma(reader)?,
        Compression::Xz => xz::open(reader)?,
        Compression::Lzo => Box::new(Lzop::new(reader)?),
        Compression::Lz4 => Box::new(Lz4::new(reader)),
        Compression::Zstd => zstd(reader)?,
    })
}

/// A member of a gzip file (RFC 1952). The kernel skips the name in its header, and takes every
/// other field for compressed data.
struct Gzip<'a> {
    inflate: flate2::bufread::DeflateDecoder<&'a mut InitrdReader>,
    sum: flate2::Crc,
    is_complete: bool,
}

impl<'a> Gzip<'a> {
    fn new(reader: &'a mut InitrdReader) -> Result<Self, Damage> {
        const NAME: u8 = 8;
        /// A checksum of the header, further fields, and a comment.
        const UNKNOWN: u8 = 2 | 4 | 16;
        let header = reader.peek(10)?;
        if header.len() < 10 {
            return Err(Damage::Cut);
        }
        if header[2] != 8 {
            return Err(Damage::problem("its gzip header is damaged"));
        }
        let flags = header[3];
        if flags & UNKNOWN != 0 {
            return Err(InitrdFormat::GzipHeader.into());
        }
        reader.consume(header.len());
        if flags & NAME != 0 {
            reader.skip_text()?;
        }
        let inflate = flate2::bufread::DeflateDecoder::new(reader);
        Ok(Self { inflate, sum: flate2::Crc::new(), is_complete: false })
    }
}

impl Read for Gzip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_complete || buffer.is_empty() {
            return Ok(0);
        }
        let read = self.inflate.read(buffer)?;
        self.sum.update(&buffer[..read]);
        if read == 0 {
            let mut end = [0; 8];
            self.inflate.get_mut().read_exact(&mut end)?;
            self.is_complete = true;
            let (sum, length) = (self.sum.sum().to_le_bytes(), self.sum.amount().to_le_bytes());
            if end[..4] != sum || end[4..] != length {
                return Err(io::Error::other("the checksum of a gzip part is wrong"));
            }
        }
        Ok(read)
    }
}

fn lzma<'a>(reader: &'a mut InitrdReader) -> Result<Box<dyn Read + 'a>, Damage> {
    let header = reader.peek(13)?;
    let Some((dictionary, size)) = header.get(1..5).zip(header.get(5..13)) else {
        return Err(Damage::Cut);
    };
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    // The kernel keeps the lesser of both in a signed number.
    if number(dictionary).min(number(size)) > i32::MAX as u64 {
        return Err(InitrdFormat::LzmaDictionary.into());
    }
    let stream =
        liblzma::stream::Stream::new_lzma_decoder(MEMORY_LIMIT).map_err(io::Error::from)?;
    Ok(Box::new(liblzma::bufread::XzDecoder::new_stream(reader, stream)))
}

fn zstd<'a>(reader: &'a mut InitrdReader) -> Result<Box<dyn Read + 'a>, Damage> {
    let header = reader.peek(14)?;
    let Some(descriptor) = header.get(4).copied() else { return Err(Damage::Cut) };
    // RFC 8878, section 3.1.1.1.
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let is_one_segment = descriptor & 0x20 != 0;
    let after = 5 + usize::from(!is_one_segment);
    let id = header.get(after..after + dictionary).ok_or(Damage::Cut)?;
    if id.iter().any(|byte| *byte != 0) {
        return Err(InitrdFormat::ZstdDictionary.into());
    }
    let window = if is_one_segment {
        let length = [1, 2, 4, 8][usize::from(descriptor >> 6)];
        let begin = after + dictionary;
        let size = reader.peek(begin + length)?;
        let size = size.get(begin..begin + length).ok_or(Damage::Cut)?;
        size.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    } else {
        let base = 1_u64 << (10 + (header[5] >> 3));
        base + base / 8 * u64::from(header[5] & 7)
    };
    if window > ZSTD_WINDOW_LIMIT {
        return Err(InitrdFormat::ZstdWindow.into());
    }
    let unpacked = zstd::stream::read::Decoder::with_buffer(reader)?.single_frame();
    Ok(Box::new(ChecksumNamed(unpacked)))
}

/// Names the checksum where zstd says "restored data".
struct ChecksumNamed<R>(R);

impl<R: Read> Read for ChecksumNamed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            if error.to_string().contains("checksum") {
                io::Error::other("the checksum of a zstd frame is wrong")
            } else {
                error
            }
        })
    }
}
