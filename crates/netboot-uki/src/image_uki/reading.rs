//! Reading a UKI once, in pieces, with the digest of the whole.

use std::fs::File;
use std::io::{self, Read};

use netboot_core::open_regular_file;
use netboot_core::{Artifact, Context, Event, Phase, Sha256Digest, Sha256Hasher, Unit};

use crate::error::Error;
use crate::image_uki::source::Source;

/// The number of bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// The number of bytes between two reports of the progress.
const REPORT: u64 = 8 * 1024 * 1024;

/// The number of times that a check reads a UKI.
pub(super) const PASSES: u64 = 2;

/// A UKI that is read from its start to its end, and hashed on the way.
pub(super) struct Reading<'a> {
    source: &'a Source,
    uki: &'a dyn Artifact,
    file: File,
    whole: Sha256Hasher,
    done: u64,
    /// The number of bytes that were read in the passes before.
    before: u64,
    context: &'a Context,
}

/// The bytes of a piece.
pub(super) struct Seen {
    pub(super) sha256: Sha256Digest,
    pub(super) is_zero: bool,
}

impl<'a> Reading<'a> {
    /// Begins one of the [`PASSES`].
    pub(super) fn open(
        source: &'a Source,
        uki: &'a dyn Artifact,
        pass: u64,
        context: &'a Context,
    ) -> Result<Self, Error> {
        let file = open_regular_file(&source.path)?;
        let before = pass.saturating_mul(uki.size());
        Ok(Self { source, uki, file, whole: Sha256Hasher::new(), done: 0, before, context })
    }

    /// Reads the next `size` bytes. `each` gets them in pieces.
    pub(super) fn piece(&mut self, size: u64, mut each: impl FnMut(&[u8])) -> Result<Seen, Error> {
        let mut hasher = Sha256Hasher::new();
        let (mut left, mut is_zero) = (size, true);
        let mut buffer = vec![0; CHUNK];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let count = self.read(&mut buffer[..wanted]).map_err(|it| self.failed(it))?;
            if count == 0 {
                return Err(self.changed());
            }
            let bytes = &buffer[..count];
            hasher.update(bytes);
            is_zero &= bytes.iter().all(|byte| *byte == 0);
            each(bytes);
            left -= count as u64;
        }
        Ok(Seen { sha256: hasher.finish().0, is_zero })
    }

    /// Reads the rest, and requires the whole file to be the artifact.
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let mut buffer = vec![0; CHUNK];
        // Another program may write to the file without an end.
        while self.done <= self.uki.size() {
            if self.read(&mut buffer).map_err(|it| self.failed(it))? == 0 {
                break;
            }
        }
        let found = std::mem::replace(&mut self.whole, Sha256Hasher::new()).finish().0;
        if found == self.uki.sha256() { Ok(()) } else { Err(self.changed()) }
    }

    fn failed(&self, source: io::Error) -> Error {
        match self.context.check() {
            Err(cancelled) => cancelled.into(),
            Ok(()) => Error::Io { action: "read", path: self.source.name.clone(), source },
        }
    }

    fn changed(&self) -> Error {
        netboot_core::Error::ArtifactChanged { path: self.source.name.clone() }.into()
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.context.check().map_err(io::Error::other)?;
        let count = self.file.read(buffer)?;
        self.whole.update(&buffer[..count]);
        let (old, total) = (self.done, self.uki.size());
        self.done += count as u64;
        if old / REPORT != self.done / REPORT {
            self.context.emit(Event::Progress {
                phase: Phase::Verifying,
                profile: None,
                subject: self.uki.file_name().to_string(),
                done: self.before + self.done,
                total: Some(total.saturating_mul(PASSES)),
                unit: Unit::Bytes,
            });
        }
        Ok(count)
    }
}
