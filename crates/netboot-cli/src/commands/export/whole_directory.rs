//! A directory that an export replaces as a whole, if nobody else wrote into it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netboot_core::{Error, Report, Sha256Digest, Sha256Hasher, blocking, open_regular_file};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tempfile::TempDir;

use super::record::{Record, is_missing};
use crate::exchange::exchange;
use crate::misuse::Misuse;

/// A directory for the files of an export.
#[derive(Debug, Clone)]
pub(super) struct WholeDirectory {
    name: &'static str,
    place: PathBuf,
    parent: PathBuf,
}

impl WholeDirectory {
    /// The directory at `place`, for an export of this name.
    ///
    /// # Errors
    /// If the path has no name at its end, so that the directory cannot be replaced.
    pub(super) fn new(name: &'static str, place: &Path) -> Result<Self, Report> {
        let Some(parent) = place.parent().filter(|_| place.file_name().is_some()) else {
            return Err(Misuse::report(
                format!("`{}` cannot be replaced as a whole", place.display()),
                "name a directory of its own, which netboot creates: `--output worker-kexec`",
            ));
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        Ok(Self { name, place: place.to_owned(), parent: parent.to_owned() })
    }

    /// The path of a file in the directory.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// Fails if the directory has something that no export of this name wrote. A directory that
    /// does not exist, or is empty, has nothing.
    ///
    /// # Errors
    /// If there is such a file, which the error names; if the directory cannot be read.
    pub(super) async fn check(&self) -> Result<(), Report> {
        let this = self.clone();
        blocking(move || this.check_at(&this.place)).await
    }

    /// Checks this directory, which lies at `path` now.
    fn check_at(&self, path: &Path) -> Result<(), Report> {
        match foreign(self.name, path)? {
            None => Ok(()),
            Some(file) => Err(Report::message(
                format!("`{}` would be lost, and no export wrote it", self.shown(path, &file)),
                "move it elsewhere, or choose another directory with --output: netboot replaces \
                 the whole directory",
            )),
        }
    }

    /// The path of a file below `path`, as it is below the place of the directory.
    fn shown(&self, path: &Path, file: &Path) -> String {
        let below = file.strip_prefix(path).ok().filter(|below| !below.as_os_str().is_empty());
        below.map_or(self.place.clone(), |below| self.place.join(below)).display().to_string()
    }

    /// Begins a new directory beside this one. It is removed unless it takes its place.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(super) fn begin(&self) -> Result<TempDir, Report> {
        let failed = |source| Error::io("create a directory in", &self.parent, source);
        fs::create_dir_all(&self.parent).map_err(failed)?;
        // A web server that runs as another user may have to read it.
        let new = tempfile::Builder::new()
            .prefix(".netboot-export-")
            .permissions(PermissionsExt::from_mode(0o755))
            .tempdir_in(&self.parent);
        Ok(new.map_err(failed)?)
    }

    /// Puts a new directory with these files in the place of this one. The old one is checked again
    /// when it is out of its place, because somebody may have written into it meanwhile. It goes
    /// back if it has something to lose.
    ///
    /// # Errors
    /// The errors of [`check`](Self::check); if the directory cannot be replaced.
    pub(super) async fn finish(
        &self,
        new: TempDir,
        files: &BTreeMap<String, Sha256Digest>,
    ) -> Result<(), Report> {
        let files = files.iter().map(|(name, sha256)| (name.clone(), [*sha256].into()));
        let record = Record::path(self.name, new.path());
        let text = Record(files.collect()).text()?;
        let this = self.clone();
        // This runs to its end, even if nobody waits for it any more.
        blocking(move || {
            write_synced(&record, &text).map_err(|source| Error::io("write", &record, source))?;
            this.replace_by(new)
        })
        .await
    }

    fn replace_by(&self, new: TempDir) -> Result<(), Report> {
        match renameat_with(CWD, new.path(), CWD, &self.place, RenameFlags::NOREPLACE) {
            Ok(()) => {
                // The temporary directory is now the directory; nothing is left to remove.
                let _ = new.keep();
                return Ok(());
            }
            Err(Errno::EXIST) => {}
            Err(error) => return Err(self.failed(error.into())),
        }
        exchange(new.path(), &self.place).map_err(|error| self.failed(error))?;
        let old = new.keep();
        let checked = self.check_at(&old);
        let renamed = checked.is_err().then(|| exchange(&old, &self.place));
        let unwanted = match renamed {
            // Two directories are left, and none is lost.
            Some(Err(error)) => return Err(self.failed(error)),
            Some(Ok(())) | None => old,
        };
        let removed = fs::remove_dir_all(&unwanted);
        checked?;
        Ok(removed.map_err(|source| Error::io("remove", &unwanted, source))?)
    }

    fn failed(&self, source: io::Error) -> Report {
        Error::io("replace", &self.place, source).into()
    }
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()
}

/// Something in the place of a directory, or in it, that is not as the record has it.
fn foreign(name: &str, place: &Path) -> Result<Option<PathBuf>, Report> {
    let reading = |source| Error::io("read", place, source);
    match place.symlink_metadata() {
        Err(error) if is_missing(&error) => return Ok(None),
        Err(source) => return Err(reading(source).into()),
        Ok(found) if !found.is_dir() => return Ok(Some(place.to_owned())),
        Ok(_) => {}
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(place).map_err(reading)? {
        entries.push(entry.map_err(reading)?.path());
    }
    entries.sort();
    let record = Record::path(name, place);
    let known = Record::read(&record)?;
    for path in entries {
        if path != record && !is_own(&path, &known)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn is_own(path: &Path, known: &Record) -> Result<bool, Report> {
    let reading = |source| Error::io("read", path, source);
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(digests) = name.and_then(|name| known.0.get(name)) else { return Ok(false) };
    if !path.symlink_metadata().map_err(reading)?.is_file() {
        return Ok(false);
    }
    let mut hasher = Hashing(Sha256Hasher::new());
    io::copy(&mut open_regular_file(path)?, &mut hasher).map_err(reading)?;
    Ok(digests.contains(&hasher.0.finish().0))
}

/// Hashes what is written.
struct Hashing(Sha256Hasher);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
