//! The progress of a transfer.

use std::collections::BTreeMap;

use netboot_core::Context;

use super::listing;
use crate::store::Upload;

/// Reads what `rsync` prints while it sends: a line for each file that it starts, and then lines
/// that start with the number of bytes that are sent.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    uploads: BTreeMap<&'a str, (&'a Upload, u64)>,
    current: Option<String>,
}

impl<'a> Progress<'a> {
    pub(super) fn of(uploads: &'a [Upload]) -> Self {
        let uploads = uploads.iter().map(|upload| (upload.path().as_str(), (upload, 0)));
        Self { uploads: uploads.collect(), current: None }
    }

    /// Reads a line and reports the progress in it.
    pub(super) fn line(&mut self, line: &str, context: &Context) {
        if let Some(listed) = listing::parse(line) {
            self.current = Some(listed.path);
            return;
        }
        let Some(done) = bytes_done(line) else { return };
        let current = self.current.as_deref().and_then(|path| self.uploads.get_mut(path));
        let Some((upload, reported)) = current else { return };
        // The full size is reported only when the whole batch is in place.
        if done > *reported && done < upload.artifact().size() {
            *reported = done;
            upload.progress(done, context);
        }
    }

    /// Reports that everything is sent.
    pub(super) fn finish(self, context: &Context) {
        for (upload, _) in self.uploads.into_values() {
            upload.progress(upload.artifact().size(), context);
        }
    }
}

/// Reads `  32768   0%    0.00kB/s    0:00:00`.
fn bytes_done(line: &str) -> Option<u64> {
    let mut words = line.split_ascii_whitespace();
    let done = words.next()?.parse().ok()?;
    words.next()?.strip_suffix('%')?.parse::<u8>().ok()?;
    Some(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_bytes_are_told_from_others() {
        assert_eq!(bytes_done("      32768   0%    0.00kB/s    0:00:00  "), Some(32768));
        assert_eq!(bytes_done("   30000000 100%  560.37MB/s  0:00:00 (xfr#1)"), Some(30_000_000));
        for line in ["", "sent 100 bytes", "3 4", "12 200000%", "created directory x"] {
            assert_eq!(bytes_done(line), None, "{line}");
        }
    }
}
