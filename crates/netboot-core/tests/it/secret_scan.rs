//! Secrets that are found in files, and texts that are none.

mod generated;
mod images;
mod made_by_programs;
mod policies;
mod wrapped;

use std::io::{self, Read};

use netboot_core::Context;
use netboot_core::secret_scan::{SecretKind, SecretMatch, SecretPlace, SecretPolicy};

/// A reader that gives a few bytes at a time.
struct InPieces<'a>(&'a [u8], usize);

impl Read for InPieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(buffer.len());
        (&mut self.0).take(length as u64).read(buffer)
    }
}

/// The secrets in a file with this path.
fn scan_file(path: &str, bytes: &[u8]) -> Vec<SecretMatch> {
    let place = SecretPlace::new(path, "");
    SecretPolicy::strict().scan(&place, &mut &*bytes, &Context::new()).unwrap()
}

fn scan(bytes: &[u8]) -> Vec<SecretMatch> {
    scan_file("file", bytes)
}

/// The rules that find something, with the kinds.
fn rules(bytes: &[u8]) -> Vec<(String, SecretKind)> {
    scan(bytes).into_iter().map(|found| (found.rule, found.kind)).collect()
}

fn one(rule: &str, kind: SecretKind) -> Vec<(String, SecretKind)> {
    vec![(rule.to_owned(), kind)]
}
