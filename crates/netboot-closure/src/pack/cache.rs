//! The cache of packed store paths.

use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netboot_core::{open_regular_file, touch};
use sha2::{Digest, Sha256 as Hasher};
use tempfile::NamedTempFile;

use crate::error::Error;
use crate::pack::level::CompressionLevel;
use crate::pack::path_to_pack::PathToPack;
use crate::pack::progress::Watch;
use crate::sha256::Sha256;
use crate::store_path::StorePath;

/// The version of the blobs' format. Another version packs everything again.
const FORMAT: u32 = 1;

/// The suffixes of a blob and of the record beside it. The record is written last.
const BLOB: &str = "nar.zst";
const RECORD: &str = "record";

/// The start of the names of unfinished files.
const UNFINISHED: &str = "unfinished-";

/// The mode of a blob. Nobody writes to it again, so a publisher may send it without a copy. A web
/// server that runs as another user may serve links to it.
const BLOB_MODE: u32 = 0o444;

/// The number of bytes of a blob that are hashed at a time.
const BUFFER: usize = 256 * 1024;

/// Unfinished files of this age belong to a process that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A directory with a blob and a record for each store path that was packed at one level.
#[derive(Debug)]
pub(crate) struct Cache {
    root: PathBuf,
    directory: PathBuf,
}

/// A store path in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) file: PathBuf,
    pub(crate) blob: Sha256,
    pub(crate) blob_size: u64,
    pub(crate) unpacked_bytes: u64,
    pub(crate) inodes: u64,
}

impl Cache {
    pub(crate) fn open(root: &Path, level: CompressionLevel) -> Result<Self, Error> {
        let directory = root.join(format!("format-{FORMAT}-level-{}", level.get()));
        fs::create_dir_all(&directory).map_err(|source| Error::io("create", &directory, source))?;
        Ok(Self { root: root.to_owned(), directory })
    }

    /// Makes a file that disappears unless it is [added](Self::add).
    pub(crate) fn temporary_file(&self) -> Result<NamedTempFile, Error> {
        tempfile::Builder::new()
            .prefix(UNFINISHED)
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(&self.directory)
            .map_err(|source| Error::io("create a file in", &self.directory, source))
    }

    /// Finds a store path, and notes that it was used. An entry that was damaged counts as missing:
    /// the whole blob is hashed.
    pub(crate) fn find(
        &self,
        path: &PathToPack,
        watch: &Watch<'_>,
    ) -> Result<Option<Packed>, Error> {
        let (file, record) = self.places(&path.path, &path.nar_hash);
        let text = match fs::read_to_string(&record) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {
                return Ok(None);
            }
            Err(source) => return Err(Error::io("read", &record, source)),
        };
        let Some(packed) = Packed::parse(&text, file) else { return Ok(None) };
        // If this fails, the entry is only deleted earlier than it should be.
        let _ = File::open(&record).and_then(|record| touch(&record));
        Ok(Some(packed).filter(|packed| packed.is_whole(watch)))
    }

    /// Adds the blob of a store path to the cache.
    pub(crate) fn add(
        &self,
        blob_file: NamedTempFile,
        path: &StorePath,
        nar_hash: &Sha256,
        (blob, blob_size): (Sha256, u64),
        (unpacked_bytes, inodes): (u64, u64),
    ) -> Result<Packed, Error> {
        let (file, record) = self.places(path, nar_hash);
        let packed = Packed { file, blob, blob_size, unpacked_bytes, inodes };
        let mut record_file = self.temporary_file()?;
        // Nothing is synchronised: a file that a power cut damages is noticed when it is found.
        io::Write::write_all(&mut record_file, packed.record().as_bytes())
            .map_err(|source| Error::io("write", &record, source))?;
        let blob_mode = Permissions::from_mode(BLOB_MODE);
        blob_file
            .as_file()
            .set_permissions(blob_mode)
            .map_err(|source| Error::io("write", &packed.file, source))?;
        for (unfinished, place) in [(blob_file, &packed.file), (record_file, &record)] {
            unfinished.persist(place).map_err(|error| Error::io("write", place, error.error))?;
        }
        Ok(packed)
    }

    /// Deletes what was not used for longest until the cache has at most `budget` bytes, at every
    /// level and in every format. The `used` blobs stay, and what was used within the time `keep`.
    pub(crate) fn prune(
        &self,
        budget: u64,
        keep: Duration,
        used: &HashSet<&PathBuf>,
    ) -> Result<(), Error> {
        let failed = |source| Error::io("prune", &self.root, source);
        // The time by the clock of the file system, which may be another machine's. A wrong clock
        // of this machine makes no file look old.
        let written = self.temporary_file()?;
        let now = written.as_file().metadata().and_then(|file| file.modified()).map_err(failed)?;
        let mut total = 0_u64;
        let mut entries = Vec::new();
        for directory in fs::read_dir(&self.root).map_err(failed)? {
            let directory = directory.map_err(failed)?;
            let name = directory.file_name();
            let is_own = name.to_str().is_some_and(|name| name.starts_with("format-"));
            if !is_own || !directory.file_type().map_err(failed)?.is_dir() {
                continue;
            }
            for file in fs::read_dir(directory.path()).map_err(failed)? {
                let file = file.map_err(failed)?.path();
                let age = |path: &Path| {
                    let modified = fs::symlink_metadata(path)?.modified()?;
                    Ok::<_, io::Error>(now.duration_since(modified).unwrap_or_default())
                };
                let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if name.starts_with(UNFINISHED) && age(&file).is_ok_and(|age| age > ABANDONED) {
                    let _ = fs::remove_file(&file);
                } else if name.ends_with(BLOB) {
                    let size = fs::symlink_metadata(&file).map_or(0, |file| file.len());
                    total = total.saturating_add(size);
                    // A blob without a record was left by a process that was killed.
                    let record = file.with_extension("").with_extension(RECORD);
                    let unused = age(&record).or_else(|_| age(&file)).unwrap_or_default();
                    entries.push((unused, size, file, record));
                }
            }
        }
        entries.sort_unstable_by(|a, b| b.cmp(a));
        for (unused, size, file, record) in entries {
            if total <= budget || unused < keep {
                break;
            }
            if used.contains(&file) {
                continue;
            }
            // The record goes first: a blob without its record counts as missing.
            for path in [&record, &file] {
                match fs::remove_file(path) {
                    Err(source) if source.kind() != ErrorKind::NotFound => {
                        return Err(Error::io("delete", path, source));
                    }
                    _ => {}
                }
            }
            total = total.saturating_sub(size);
        }
        Ok(())
    }

    /// The places of a path's blob and its record. A name has both digests: of a path that is
    /// addressed by its inputs, two builds can differ.
    fn places(&self, path: &StorePath, nar_hash: &Sha256) -> (PathBuf, PathBuf) {
        let name = format!("{}-{}", path.digest(), nar_hash.to_base32());
        let place = |suffix: &str| self.directory.join(format!("{name}.{suffix}"));
        (place(BLOB), place(RECORD))
    }
}

impl Packed {
    /// Returns true if the blob is the one that was written.
    fn is_whole(&self, watch: &Watch<'_>) -> bool {
        let Ok(mut file) = open_regular_file(&self.file) else { return false };
        if !file.metadata().is_ok_and(|it| it.len() == self.blob_size) {
            return false;
        }
        let (mut hasher, mut buffer) = (Hasher::new(), vec![0; BUFFER]);
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return self.blob == Sha256::from_bytes(hasher.finalize().into()),
                Ok(length) if watch.advance(0).is_ok() => hasher.update(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return false,
            }
        }
    }

    fn record(&self) -> String {
        let Self { blob, blob_size, unpacked_bytes, inodes, .. } = self;
        format!("{blob} {blob_size} {unpacked_bytes} {inodes}\n")
    }

    fn parse(text: &str, file: PathBuf) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        let blob = Sha256::from_hex(words.next()?).ok()?;
        let mut number = || words.next()?.parse().ok();
        let (blob_size, unpacked_bytes, inodes) = (number()?, number()?, number()?);
        let packed = Self { file, blob, blob_size, unpacked_bytes, inodes };
        Some(packed).filter(|packed| packed.record() == text)
    }
}
