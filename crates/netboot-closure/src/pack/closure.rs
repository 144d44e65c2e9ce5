//! A packed closure as the closure of an image.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex, PoisonError};

use netboot_core::{
    Artifact, ArtifactKind, BytesArtifact, Closure, Context, Event, FileArtifact, FileName, Phase,
    ProfileName, Sha256Digest, Unit, blocking,
};

use crate::error::Error;
use crate::index::Index;
use crate::pack::level::CompressionLevel;
use crate::pack::path_to_pack::PathToPack;
use crate::pack::progress::PackProgress;
use crate::pack::{PackedClosure, Packer};

/// The greatest size in bytes of an index before compression. Machines read no larger one; a
/// closure of 100,000 store paths has about 30 MB.
const INDEX_LIMIT: u64 = 64 << 20;

/// The number of bytes of archives between two events.
const REPORT_EVERY: u64 = 16 << 20;

/// The permission bits that let somebody write to a file.
const WRITABLE: u32 = 0o222;

/// The subject of the events of progress.
const SUBJECT: &str = "closure";

impl Packer {
    /// Packs the closure of an image as [`pack`](Self::pack) does, on threads of its own. It
    /// reports the phase [`Phase::Packing`] for `profile`, and stops soon after `context` is
    /// cancelled or the future is dropped.
    ///
    /// # Errors
    /// The errors of [`pack`](Self::pack), and [`Error::Artifact`].
    pub async fn pack_image(
        &self,
        init: String,
        paths: Vec<PathToPack>,
        profile: &ProfileName,
        context: &Context,
    ) -> Result<(PackedClosure, Closure), Error> {
        let token = context.cancellation().child_token();
        let _stop_when_dropped = token.clone().drop_guard();
        let context = context.clone().with_cancellation(token);
        let (this, profile) = (self.clone(), profile.clone());
        blocking(move || {
            let _phase = context.phase(Phase::Packing, Some(&profile));
            let reported = Mutex::new(0);
            let report = |PackProgress { done_bytes: done, total_bytes: total }| {
                if context.cancellation().is_cancelled() {
                    return ControlFlow::Break(());
                }
                let mut reported = reported.lock().unwrap_or_else(PoisonError::into_inner);
                if done >= *reported + REPORT_EVERY || done == total && done > *reported {
                    *reported = done;
                    context.emit(Event::Progress {
                        phase: Phase::Packing,
                        profile: Some(profile.clone()),
                        subject: SUBJECT.to_owned(),
                        done,
                        total: Some(total),
                        unit: Unit::Bytes,
                    });
                }
                ControlFlow::Continue(())
            };
            let packed = this.pack(&init, paths, &report)?;
            let closure = packed.to_closure()?;
            Ok((packed, closure))
        })
        .await
    }
}

impl PackedClosure {
    /// Makes the artifacts of the closure: the compressed index, and the files of the blobs.
    /// Store paths with equal blobs share one.
    ///
    /// # Errors
    /// [`Error::Artifact`] if a file of the cache was removed.
    pub fn to_closure(&self) -> Result<Closure, Error> {
        let index = self.index.to_compressed()?;
        let name = FileName::from(&Sha256Digest::of(&index));
        let Ok(index) = BytesArtifact::new(ArtifactKind::ClosureIndex, name, index);
        let (mut seen, mut blobs) = (BTreeSet::new(), Vec::<Arc<dyn Artifact>>::new());
        for (entry, file) in self.index.entries().iter().zip(&self.blobs) {
            if seen.insert(entry.blob) {
                let sha256 = Sha256Digest::from_bytes(*entry.blob.as_bytes());
                let name = FileName::from(&sha256);
                let kind = ArtifactKind::StorePath;
                let blob = FileArtifact::with_known_digest(kind, name, file, sha256)?;
                // An earlier version left its blobs writable, and other directories link to them.
                let is_immutable = fs::metadata(blob.path())
                    .is_ok_and(|file| file.permissions().mode() & WRITABLE == 0);
                blobs.push(Arc::new(blob.with_immutable(is_immutable)));
            }
        }
        Ok(Closure {
            index: Arc::new(index),
            blobs,
            unpacked_bytes: self.index.unpacked_bytes(),
            inodes: self.index.inodes(),
        })
    }
}

impl Index {
    /// Compresses the index into the bytes that are published. Equal indexes give equal bytes.
    ///
    /// # Errors
    /// [`Error::CompressedIndex`] if there is no memory.
    pub fn to_compressed(&self) -> Result<Vec<u8>, Error> {
        let failed = |source| Error::CompressedIndex { source };
        let text = self.to_string();
        let level = CompressionLevel::SMALL.get().into();
        let mut encoder = zstd::Encoder::new(Vec::new(), level).map_err(failed)?;
        encoder.include_checksum(true).map_err(failed)?;
        encoder.set_pledged_src_size(Some(text.len() as u64)).map_err(failed)?;
        std::io::Write::write_all(&mut encoder, text.as_bytes()).map_err(failed)?;
        encoder.finish().map_err(failed)
    }

    /// Reads the bytes that [`to_compressed`](Self::to_compressed) made.
    ///
    /// # Errors
    /// [`Error::CompressedIndex`], [`Error::Index`].
    pub fn from_compressed(bytes: &[u8]) -> Result<Self, Error> {
        let failed = |source| Error::CompressedIndex { source };
        let mut text = String::new();
        let decoder = zstd::Decoder::new(bytes).map_err(failed)?;
        decoder.take(INDEX_LIMIT).read_to_string(&mut text).map_err(failed)?;
        text.parse()
    }
}
