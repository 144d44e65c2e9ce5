//! The two sums over the bytes of an EFI program: the digest that signatures have, and the
//! checksum in its headers.

use netboot_core::{Sha256Digest, Sha256Hasher};

use crate::pe::headers::Headers;

/// Adds up the bytes of a program from the first one to the last one before its signatures.
///
/// The digest is that of Microsoft's "Windows Authenticode Portable Executable Signature Format",
/// section "Calculating the PE Image Hash": it leaves out the checksum, the entry of the table of
/// signatures, and that table.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    digest: Sha256Hasher,
    words: WordSum,
}

impl Sums {
    /// Begins with the headers of a program, of [`Headers::size`] bytes.
    pub(crate) fn of_headers(headers: &Headers, bytes: &[u8]) -> Self {
        let mut sums = Self { digest: Sha256Hasher::new(), words: WordSum::default() };
        let (checksum, entry) = (headers.checksum_position(), headers.signatures_position());
        sums.digest.update(&bytes[..checksum]);
        sums.digest.update(&bytes[checksum + 4..entry]);
        sums.digest.update(&bytes[entry + 8..]);
        let mut cleared = bytes.to_vec();
        cleared[checksum..checksum + 4].fill(0);
        cleared[entry..entry + 8].fill(0);
        sums.words.update(&cleared);
        sums
    }

    /// Adds the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.words.update(bytes);
    }

    /// The number of all bytes so far, with the checksum and the entry.
    pub(crate) fn length(&self) -> u64 {
        self.words.length
    }

    /// Returns the digest, and the sum to which the signatures are still to be added.
    pub(crate) fn finish(self) -> (Sha256Digest, WordSum) {
        (self.digest.finish().0, self.words)
    }
}

/// The sum of 16-bit little-endian words of which the checksum of a program is made, as
/// `CheckSumMappedFile` of Windows makes it: carries are added again, and then the length of the
/// file.
#[derive(Debug, Clone, Default)]
pub(crate) struct WordSum {
    sum: u64,
    length: u64,
}

impl WordSum {
    /// Adds the next bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        if let Some((first, rest)) = bytes.split_first().filter(|_| self.length % 2 == 1) {
            self.sum += u64::from(*first) << 8;
            self.length += 1;
            bytes = rest;
        }
        let words = bytes.chunks_exact(2);
        let last = words.remainder().first();
        self.sum += words.map(|word| u64::from(word[0]) | u64::from(word[1]) << 8).sum::<u64>();
        self.sum += last.map_or(0, |byte| u64::from(*byte));
        self.length += bytes.len() as u64;
    }

    /// Adds words that stand in place of zeros that were added before.
    pub(crate) fn replace(&mut self, bytes: &[u8]) {
        let length = self.length;
        self.length = 0;
        self.update(bytes);
        self.length = length;
    }

    /// The checksum of a file of the bytes so far.
    pub(crate) fn checksum(&self) -> u32 {
        let mut sum = self.sum;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        // The file has less than 4 GiB.
        u32::try_from(sum + self.length).unwrap_or(u32::MAX)
    }
}
