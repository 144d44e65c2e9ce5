//! Copies a file in the fastest way that the file system offers.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::io::Errno;

/// The number of bytes to copy before reporting progress and checking for cancellation.
const CHUNK: usize = 16 * 1024 * 1024;

/// Copies all of `source` to the empty file `target`, and returns the number of bytes.
/// `on_progress` gets the number of bytes that are copied. If it fails, the copy stops.
pub(super) fn copy<E: From<io::Error>>(
    source: &mut File,
    target: &mut File,
    mut on_progress: impl FnMut(u64) -> Result<(), E>,
) -> Result<u64, E> {
    if rustix::fs::ioctl_ficlone(&*target, &*source).is_ok() {
        let size = target.metadata()?.len();
        on_progress(size)?;
        return Ok(size);
    }
    let mut done = 0;
    loop {
        match rustix::fs::copy_file_range(&*source, None, &*target, None, CHUNK) {
            Ok(0) => return Ok(done),
            Ok(copied) => done += copied as u64,
            // Not supported by these file systems or this kernel. Nothing is copied yet.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
                if done == 0 =>
            {
                return copy_by_hand(source, target, on_progress);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
        on_progress(done)?;
    }
}

fn copy_by_hand<E: From<io::Error>>(
    source: &mut File,
    target: &mut File,
    mut on_progress: impl FnMut(u64) -> Result<(), E>,
) -> Result<u64, E> {
    let mut buffer = vec![0; 1024 * 1024];
    let mut done = 0;
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            return Ok(done);
        }
        target.write_all(&buffer[..read])?;
        done += read as u64;
        on_progress(done)?;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Seek;

    use super::*;

    type Way = fn(&mut File, &mut File, &mut dyn FnMut(u64) -> io::Result<()>) -> io::Result<u64>;

    #[test]
    fn both_ways_copy_every_byte_and_can_be_ended() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(&bytes).unwrap();
        let ways: [Way; 2] = [
            |source, target, progress| copy(source, target, progress),
            |source, target, progress| copy_by_hand(source, target, progress),
        ];
        for way in ways {
            let mut target = tempfile::tempfile().unwrap();
            source.rewind().unwrap();
            let mut seen = 0;
            let mut progress = |done| {
                assert!(done >= seen);
                seen = done;
                Ok(())
            };
            assert_eq!(way(&mut source, &mut target, &mut progress).unwrap(), 3_000_000);
            assert_eq!(seen, 3_000_000);
            let mut copied = Vec::new();
            target.rewind().unwrap();
            target.read_to_end(&mut copied).unwrap();
            assert!(copied == bytes);

            source.rewind().unwrap();
            let mut target = tempfile::tempfile().unwrap();
            let mut stop = |_| Err(io::Error::other("enough"));
            assert!(way(&mut source, &mut target, &mut stop).is_err());
        }
    }
}
