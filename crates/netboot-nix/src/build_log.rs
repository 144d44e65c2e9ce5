//! The output of builders, kept by derivation.
//!
//! The `build.log` of a profile consists of the logs of the derivations that the profile needs.
//! Each log was recorded when the derivation was built, for this profile or another one. The
//! `build.log` of the same parts is written only once, so that it tells how they were built, and
//! not that a later build found them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use foreign_text::CutMark;
use netboot_core::{ProfileName, Sha256Digest, touch};
use tempfile::{NamedTempFile, TempPath};

use crate::error::Error;

/// The most bytes of the logs of one build. The log of a derivation that does not fit is left out.
const COLLECTED_LIMIT: usize = 64 << 20;

/// The text in the place of a log that was left out. Nix itself keeps the log.
const LEFT_OUT: &str = "see `nix log`: this build log would be too long";

/// The prefix of the names of unfinished files.
const UNFINISHED: &str = ".unfinished-";

/// The logs of derivations in a state directory.
#[derive(Debug, Clone)]
pub(crate) struct LogDirectory(PathBuf);

impl LogDirectory {
    /// Creates the directory if it does not exist.
    pub(crate) fn create(state: &Path) -> Result<Self, Error> {
        let logs = Self(state.join("logs/derivations"));
        for directory in [&logs.0, &logs.builds()] {
            std::fs::create_dir_all(directory)
                .map_err(|source| Error::io("create", directory, source))?;
        }
        Ok(logs)
    }

    /// The directory of collected logs.
    fn builds(&self) -> PathBuf {
        self.0.with_file_name("builds")
    }

    /// The directory of the profiles' logs.
    fn directory(&self) -> &Path {
        self.0.parent().unwrap_or(&self.0)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn place(&self, derivation: &str) -> PathBuf {
        let name = derivation.rsplit('/').next().unwrap_or(derivation);
        self.0.join(format!("{name}.log"))
    }

    /// The path of the log of a build that ended but may have failed.
    fn unconfirmed_place(&self, derivation: &str) -> PathBuf {
        self.place(derivation).with_extension("unconfirmed.log")
    }

    /// Keeps the log of a derivation. The first log of a successful build stays, because a later
    /// one may only say that everything was there.
    pub(crate) fn keep(&self, derivation: &str, log: TempPath, is_sure: bool) -> Result<(), Error> {
        let (place, unconfirmed) = (self.place(derivation), self.unconfirmed_place(derivation));
        if !is_sure {
            let kept = log.persist(&unconfirmed);
            return kept.map_err(|error| Error::io("write", &unconfirmed, error.error));
        }
        match log.persist_noclobber(&place) {
            Err(error) if error.error.kind() != ErrorKind::AlreadyExists => {
                Err(Error::io("write", &place, error.error))
            }
            _ => remove(&unconfirmed),
        }
    }

    /// Removes the unfinished files of a killed process. The caller must hold the lock of the state
    /// directory, because the files of a running process look the same.
    pub(crate) fn clean(&self) -> Result<(), Error> {
        for directory in [&self.0, &self.builds(), self.directory()] {
            let failed = |source| Error::io("clean", directory, source);
            for entry in std::fs::read_dir(directory).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                    remove(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// The path of the log of a profile's failed build.
    pub(crate) fn of_failed(&self, profile: &ProfileName) -> PathBuf {
        self.directory().join(format!("{profile}-failed.log"))
    }

    /// Writes the log of a profile's build: `header`, then the output of the builders of `parts`
    /// and of their `requisites`. The name of the file depends on its content.
    pub(crate) fn of_profile(
        &self,
        profile: &str,
        header: &str,
        parts: &BTreeSet<String>,
        requisites: &BTreeSet<String>,
    ) -> Result<PathBuf, Error> {
        let mut log = header.as_bytes().to_vec();
        log.extend(self.collect_once(parts, requisites)?);
        let name = Sha256Digest::of(&log).to_string();
        let place = self.directory().join(format!("{profile}-{}.log", &name[..16]));
        write_once(&place, &log)?;
        Ok(place)
    }

    /// The output of the builders of `parts` and of their `requisites`, as it was collected when
    /// these parts were built first.
    fn collect_once(
        &self,
        parts: &BTreeSet<String>,
        requisites: &BTreeSet<String>,
    ) -> Result<Vec<u8>, Error> {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let name = Sha256Digest::of(parts.join("\n").as_bytes());
        let place = self.builds().join(format!("{name}.log"));
        if !place.exists() {
            write_once(&place, &self.collect(requisites)?)?;
        }
        mark_as_used(&place);
        std::fs::read(&place).map_err(|source| Error::io("read", &place, source))
    }

    /// Removes logs that were not used for longer than `keep`, except those in `in_use`.
    pub(crate) fn remove_old(
        &self,
        in_use: &BTreeSet<PathBuf>,
        keep: Duration,
    ) -> Result<(), Error> {
        for directory in [self.directory(), &self.builds(), &self.0] {
            let failed = |source| Error::io("clean", directory, source);
            let now = file_system_time(directory)?;
            for entry in std::fs::read_dir(directory).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let path = entry.path();
                let is_log = path.extension().is_some_and(|extension| extension == "log");
                let metadata = entry.metadata().map_err(failed)?;
                let age = now.duration_since(metadata.modified().map_err(failed)?);
                let is_old = age.is_ok_and(|age| age > keep);
                if is_log && metadata.is_file() && is_old && !in_use.contains(&path) {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }

    /// The logs of `derivations`, each after a line that names the derivation.
    pub(crate) fn collect<'a>(
        &self,
        derivations: impl IntoIterator<Item = &'a String>,
    ) -> Result<Vec<u8>, Error> {
        let sorted: BTreeSet<&String> = derivations.into_iter().collect();
        let mut collected = Vec::new();
        for derivation in sorted {
            for place in [self.place(derivation), self.unconfirmed_place(derivation)] {
                match std::fs::read(&place) {
                    Ok(log) => {
                        mark_as_used(&place);
                        let log = if collected.len() + log.len() > COLLECTED_LIMIT {
                            format!("{LEFT_OUT}{}\n", CutMark(log.len() as u64)).into_bytes()
                        } else {
                            log
                        };
                        append(&mut collected, derivation, &log);
                        break;
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(source) => return Err(Error::io("read", place, source)),
                }
            }
        }
        Ok(collected)
    }
}

pub(crate) fn append(collected: &mut Vec<u8>, derivation: &str, log: &[u8]) {
    collected.extend_from_slice(format!("\n--- {derivation}\n").as_bytes());
    collected.extend_from_slice(log);
}

/// Writes a file atomically and replaces an existing one.
pub(crate) fn replace(place: &Path, content: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::io("write", place, source);
    written_beside(place, content)?.persist(place).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes a file atomically. An existing file stays, because another process may read it.
fn write_once(place: &Path, content: &[u8]) -> Result<(), Error> {
    match written_beside(place, content)?.persist_noclobber(place) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => {
            Err(Error::io("write", place, error.error))
        }
        _ => Ok(()),
    }
}

/// Restarts the time for which a log is kept. Must not be called for a log that an image names,
/// because a touched artifact counts as changed. After a failure, the log is only kept for less
/// time.
fn mark_as_used(place: &Path) {
    let marked = File::options().append(true).open(place).and_then(|file| touch(&file));
    if let Err(error) = marked {
        tracing::debug!(place = %place.display(), %error, "cannot mark a log as used");
    }
}

fn written_beside(place: &Path, content: &[u8]) -> Result<NamedTempFile, Error> {
    let mut file = temporary_file(place.parent().unwrap_or(Path::new(".")))?;
    file.write_all(content).map_err(|source| Error::io("write", place, source))?;
    Ok(file)
}

/// An empty file in `directory`, which is deleted on drop.
pub(crate) fn temporary_file(directory: &Path) -> Result<NamedTempFile, Error> {
    let made = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory);
    made.map_err(|source| Error::io("write into", directory, source))
}

/// The time by the clock of the file system, which may be another machine's. The ages of files are
/// counted from it, so that a wrong clock of this machine makes no file look old.
pub(crate) fn file_system_time(directory: &Path) -> Result<SystemTime, Error> {
    let file = temporary_file(directory)?;
    let time = file.as_file().metadata().and_then(|metadata| metadata.modified());
    time.map_err(|source| Error::io("read", file.path(), source))
}

fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}
