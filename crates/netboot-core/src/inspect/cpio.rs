//! Reads the members of cpio archives like a kernel: the states of `init/initramfs.c` of Linux, and
//! its format "newc" (`Documentation/driver-api/early-userspace/buffer-format.rst`).

use std::io::{self, Read};

use crate::context::Context;
use crate::error::Error;
use crate::inspect::damage::Damage;
use crate::inspect::initrd_format::InitrdFormat;
use crate::inspect::initrd_reader::Positioned;
use crate::inspect::summary::{InitrdSummary, Member};

const HEADER_LENGTH: usize = 110;
const TRAILER: &str = "TRAILER!!!";
/// The maximum length of a name and of a link's target in the kernel (`PATH_MAX`), in bytes.
const PATH_LIMIT: u64 = 4096;
/// The file type in a mode, `S_IFMT`.
const FILE_TYPE: u32 = 0o170_000;
/// `S_IFREG`.
const REGULAR: u32 = 0o100_000;
/// The permissions of everybody to execute, of which Linux needs one.
const EXECUTABLE: u32 = 0o111;
/// `S_IFDIR`.
const DIRECTORY: u32 = 0o040_000;
/// `S_IFLNK`.
const SYMBOLIC_LINK: u32 = 0o120_000;

/// Takes the path and the content of a member. It need not read the content to its end.
pub(crate) type Visit<'a> = dyn FnMut(&str, &mut dyn Read) -> Result<(), Error> + 'a;

/// The archives of one initrd, read by one part after another.
pub(super) struct Archives<'a, 'v> {
    pub(super) summary: InitrdSummary,
    context: &'a Context,
    visit: &'a mut Visit<'v>,
    /// True until the first member. Then the kernel skips no zeros, and wants a member.
    is_fresh: bool,
}

/// The fields of a header that a kernel uses.
struct Header {
    mode: u32,
    links: u32,
    size: u64,
    name_size: u64,
    checksum: Option<u32>,
}

impl<'a, 'v> Archives<'a, 'v> {
    pub(super) fn new(context: &'a Context, visit: &'a mut Visit<'v>) -> Self {
        Self { summary: InitrdSummary::new(), context, visit, is_fresh: true }
    }

    /// Reads members and the zeros between them, from a part that is not compressed. It stops
    /// before anything else.
    pub(super) fn read_plain(&mut self, part: &mut dyn Positioned) -> Result<(), Damage> {
        loop {
            match part.fill_buf()?.first().copied() {
                Some(_) if !part.position().is_multiple_of(4) => {
                    return Err(InitrdFormat::Position.into());
                }
                Some(b'0') => self.read_member(part, true)?,
                None | Some(_) => return Ok(()),
            }
            part.skip_zeros(self.context)?;
        }
    }

    /// Reads members and the zeros between them, from what a compressed part holds, to its end.
    pub(super) fn read_unpacked(&mut self, part: &mut dyn Positioned) -> Result<(), Damage> {
        loop {
            if !self.is_fresh {
                part.skip_zeros(self.context)?;
            }
            match part.fill_buf()?.first().copied() {
                None if self.is_fresh => return Err(InitrdFormat::EmptyPart.into()),
                None => return Ok(()),
                Some(_) if !part.position().is_multiple_of(4) => {
                    return Err(InitrdFormat::Position.into());
                }
                Some(b'0') => self.read_member(part, false)?,
                Some(0) => return Err(InitrdFormat::LeadingZeros.into()),
                Some(_) => {
                    let start = part.fill_buf()?;
                    return Err(InitrdFormat::foreign(start).map_or_else(
                        || Damage::problem("a compressed part holds something else than archives"),
                        Damage::Format,
                    ));
                }
            }
        }
    }

    /// Reads one member. A plain archive may end without the last zeros.
    fn read_member(&mut self, part: &mut dyn Positioned, is_plain: bool) -> Result<(), Damage> {
        self.is_fresh = false;
        let header = read_header(part)?;
        let kind = header.mode & FILE_TYPE;
        let is_kept = (1..=PATH_LIMIT).contains(&header.name_size)
            && match kind {
                REGULAR => true,
                SYMBOLIC_LINK => header.size <= PATH_LIMIT,
                _ => header.size == 0,
            };
        if !is_kept {
            // The kernel skips the member silently.
            let name = header.name_size + padding(HEADER_LENGTH as u64 + header.name_size);
            return self.skip(part, name + header.size + padding(header.size));
        }
        let mut name = Vec::new();
        if (&mut *part).take(header.name_size).read_to_end(&mut name)? as u64 != header.name_size {
            return Err(Damage::Cut);
        }
        if name.last() != Some(&0) {
            return Err(Damage::problem("a name in its cpio archive does not end"));
        }
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let name = String::from_utf8_lossy(&name[..end]);
        let name_padding = padding(HEADER_LENGTH as u64 + header.name_size);
        self.skip_padding(part, name_padding, is_plain && header.size == 0)?;
        let mut file = Summed { inner: (&mut *part).take(header.size), sum: 0 };
        (self.visit)(&name, &mut file)?;
        if header.checksum.is_some() {
            io::copy(&mut file, &mut io::sink())?;
        }
        let (unread, sum) = (file.inner.limit(), file.sum);
        match header.checksum {
            Some(checksum) if kind == REGULAR && unread == 0 && checksum != sum => {
                return Err(Damage::problem("the checksum of a file in its cpio archive is wrong"));
            }
            _ => self.skip(part, unread)?,
        }
        self.skip_padding(part, padding(header.size), is_plain)?;
        if name != TRAILER {
            let member = match kind {
                DIRECTORY => Member::Directory,
                SYMBOLIC_LINK => Member::SymbolicLink,
                REGULAR if header.mode & EXECUTABLE == 0 => Member::Data,
                // Only one of several links to a file has the content.
                REGULAR if header.size > 0 || header.links > 1 => Member::Program,
                REGULAR => Member::Empty,
                _ => Member::Data,
            };
            self.summary.add(&name, header.size, member);
        }
        Ok(())
    }

    /// Skips zeros. If they are the last of the file, some `may_be_missing`.
    fn skip_padding(
        &self,
        part: &mut dyn Positioned,
        length: u64,
        may_be_missing: bool,
    ) -> Result<(), Damage> {
        match self.skip(part, length) {
            Err(Damage::Cut) if may_be_missing => Ok(()),
            result => result,
        }
    }

    fn skip(&self, part: &mut dyn Positioned, length: u64) -> Result<(), Damage> {
        const STEP: u64 = 1024 * 1024;
        let mut left = length;
        while left > 0 {
            if self.context.cancellation().is_cancelled() {
                return Err(Damage::Cancelled);
            }
            let step = left.min(STEP);
            let skipped = io::copy(&mut (&mut *part).take(step), &mut io::sink())?;
            if skipped < step {
                return Err(Damage::Cut);
            }
            left -= step;
        }
        Ok(())
    }
}

/// Adds the bytes that are read, as the format "crc" does.
struct Summed<R> {
    inner: R,
    sum: u32,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for byte in &buffer[..read] {
            self.sum = self.sum.wrapping_add(u32::from(*byte));
        }
        Ok(read)
    }
}

/// Reads a header: a magic, and 13 fields of eight hexadecimal digits. Kernels since 6.15 refuse
/// other characters, and older ones take them for zeros.
fn read_header(part: &mut dyn Positioned) -> Result<Header, Damage> {
    let mut bytes = [0; HEADER_LENGTH];
    part.read_exact(&mut bytes)?;
    let has_checksum = match &bytes[..6] {
        b"070701" => false,
        b"070702" => true,
        b"070707" => return Err(InitrdFormat::CpioFormat.into()),
        _ => return Err(Damage::problem("a member of its cpio archive begins with a wrong magic")),
    };
    let mut fields = [0; 13];
    for (field, digits) in fields.iter_mut().zip(bytes[6..].chunks(8)) {
        for digit in digits {
            let value = char::from(*digit).to_digit(16).ok_or_else(|| {
                Damage::problem("a header field of its cpio archive is not a number")
            })?;
            *field = *field << 4 | value;
        }
    }
    Ok(Header {
        mode: fields[1],
        links: fields[4],
        size: u64::from(fields[6]),
        name_size: u64::from(fields[11]),
        checksum: has_checksum.then_some(fields[12]),
    })
}

fn padding(length: u64) -> u64 {
    (4 - length % 4) % 4
}
