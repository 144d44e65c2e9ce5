//! Reads the members of a cpio archive in the kernel's format, "newc"
//! (`Documentation/driver-api/early-userspace/buffer-format.rst` of the kernel).

use std::io::{self, Read};

use crate::context::Context;
use crate::error::Error;
use crate::inspect::damage::Damage;
use crate::inspect::summary::InitrdSummary;

const HEADER_LENGTH: usize = 110;
const TRAILER: &str = "TRAILER!!!";
/// The maximum length of a name in the kernel (`PATH_MAX`), in bytes.
const NAME_LIMIT: u64 = 4096;
/// The file type in a mode, `S_IFMT`.
const FILE_TYPE: u64 = 0o170_000;
/// `S_IFLNK`.
const SYMBOLIC_LINK: u64 = 0o120_000;

/// Takes the path and the content of a member. It need not read the content to its end.
pub(crate) type Visit<'a> = dyn FnMut(&str, &mut dyn Read) -> Result<(), Error> + 'a;

/// Reads consecutive archives with zeros between them, until the reader ends.
pub(super) fn read_archives(
    reader: &mut dyn Read,
    summary: &mut InitrdSummary,
    context: &Context,
    visit: &mut Visit<'_>,
) -> Result<(), Damage> {
    let mut first = [0; 1];
    let mut zeros = 0_u64;
    loop {
        if zeros.is_multiple_of(4096) && context.cancellation().is_cancelled() {
            return Err(Damage::Cancelled);
        }
        match reader.read(&mut first) {
            Ok(0) => return Ok(()),
            Ok(_) if first[0] == 0 => zeros += 1,
            Ok(_) if !zeros.is_multiple_of(4) => return Err(Damage::padding()),
            Ok(_) => {
                let mut archive = first.as_slice().chain(&mut *reader);
                read_archive(&mut archive, summary, context, visit)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads one archive, including its trailer.
pub(super) fn read_archive(
    reader: &mut dyn Read,
    summary: &mut InitrdSummary,
    context: &Context,
    visit: &mut Visit<'_>,
) -> Result<(), Damage> {
    loop {
        if context.cancellation().is_cancelled() {
            return Err(Damage::Cancelled);
        }
        let mut header = [0; HEADER_LENGTH];
        reader.read_exact(&mut header)?;
        if !matches!(&header[..6], b"070701" | b"070702") {
            return Err(Damage::problem("a member of its cpio archive begins with a wrong magic"));
        }
        let is_symbolic_link = field(&header, 1)? & FILE_TYPE == SYMBOLIC_LINK;
        let size = field(&header, 6)?;
        let name_size = field(&header, 11)?;
        if name_size == 0 || name_size > NAME_LIMIT {
            return Err(Damage::problem("a member of its cpio archive has an invalid name length"));
        }
        let mut name = Vec::new();
        (&mut *reader).take(name_size).read_to_end(&mut name)?;
        skip(reader, padding(HEADER_LENGTH as u64 + name_size), context)?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let name = String::from_utf8_lossy(&name[..end]);
        let mut file = (&mut *reader).take(size);
        visit(&name, &mut file)?;
        let unread = file.limit();
        skip(reader, unread + padding(size), context)?;
        if name == TRAILER {
            return Ok(());
        }
        summary.add(&name, size, is_symbolic_link);
    }
}

/// Reads the field number `index` of a header, which has eight hexadecimal digits. Field 0 follows
/// the magic.
fn field(header: &[u8; HEADER_LENGTH], index: usize) -> Result<u64, Damage> {
    let digits = &header[6 + index * 8..14 + index * 8];
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| Damage::problem("a header field of its cpio archive is not a number"))
}

fn padding(length: u64) -> u64 {
    (4 - length % 4) % 4
}

fn skip(reader: &mut dyn Read, length: u64, context: &Context) -> Result<(), Damage> {
    const STEP: u64 = 1024 * 1024;
    let mut left = length;
    while left > 0 {
        if context.cancellation().is_cancelled() {
            return Err(Damage::Cancelled);
        }
        let step = left.min(STEP);
        let skipped = io::copy(&mut (&mut *reader).take(step), &mut io::sink())?;
        if skipped < step {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        left -= step;
    }
    Ok(())
}
