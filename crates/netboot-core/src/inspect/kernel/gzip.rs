//! Kernels in gzip, which iPXE unpacks on 64-bit ARM.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use flate2::read::GzDecoder;

use super::file_start::{FileStart, Unfit};
use crate::counted::counted;

/// The greatest size of an unpacked kernel in bytes. A kernel of Debian has 40 MB.
const LIMIT: u64 = 1024 * 1024 * 1024;

pub(super) fn is_gzip(start: &FileStart) -> bool {
    start.has(0, b"\x1f\x8b")
}

/// Unpacks a kernel to the end, and checks the result by `check`.
pub(super) fn check(
    mut file: &File,
    start: &FileStart,
    check: impl FnOnce(&FileStart) -> Result<(), Unfit>,
) -> Result<(), Unfit> {
    file.rewind().map_err(Unfit::Unreadable)?;
    let mut unpacked = GzDecoder::new(BufReader::new(file)).take(LIMIT);
    let damaged = |error: io::Error| damage(error, start.length());
    let inner = FileStart::read(&mut unpacked, 0).map_err(damaged)?;
    let rest = io::copy(&mut unpacked, &mut io::sink()).map_err(damaged)?;
    let length = inner.bytes().len() as u64 + rest;
    if length == LIMIT {
        return Err(Unfit::problem("it unpacks to more than 1 GiB"));
    }
    check(&inner.with_length(length)).map_err(|unfit| match unfit {
        Unfit::Unrecognised => Unfit::problem("it is a gzip file of something else"),
        Unfit::Problem(problem) => Unfit::Problem(format!("unpacked, {problem}")),
        unreadable @ Unfit::Unreadable(_) => unreadable,
    })
}

fn damage(error: io::Error, length: u64) -> Unfit {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            let length = counted(length, "byte");
            Unfit::problem(format!("it ends after {length}, within its gzip data"))
        }
        // An error with a number is from the operating system, any other from the decompressor.
        _ if error.raw_os_error().is_some() => Unfit::Unreadable(error),
        _ => Unfit::problem(format!("its gzip data is damaged: {error}")),
    }
}
