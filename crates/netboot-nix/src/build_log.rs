//! What builders print, kept by derivation.
//!
//! A profile's `build.log` is put together from the logs of the derivations that it needs, each
//! recorded when it was built. So it is the same when the profile is built again and nothing is
//! left to do, and it does not depend on which profile had a shared derivation built.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::Error;
use crate::internal_json::LogEvent;
use crate::process::LastLines;

/// The logs of derivations in a state directory.
#[derive(Debug, Clone)]
pub(crate) struct LogDirectory(PathBuf);

impl LogDirectory {
    /// Makes the directory if it is not there.
    pub(crate) fn create(state: &Path) -> Result<Self, Error> {
        let directory = state.join("logs/derivations");
        std::fs::create_dir_all(&directory)
            .map_err(|source| Error::io("create", &directory, source))?;
        Ok(Self(directory))
    }

    fn place(&self, derivation: &str) -> PathBuf {
        let name = derivation.rsplit('/').next().unwrap_or(derivation);
        self.0.join(format!("{name}.log"))
    }

    /// Begins to record.
    pub(crate) fn recorder(&self) -> Recorder {
        Recorder { directory: self.clone(), building: HashMap::new(), logs: BTreeMap::new() }
    }

    /// The logs of those of `derivations` that have one, each under a line that names it.
    pub(crate) fn collect<'a>(
        &self,
        derivations: impl IntoIterator<Item = &'a String>,
    ) -> Result<Vec<u8>, Error> {
        let sorted: BTreeSet<&String> = derivations.into_iter().collect();
        let mut collected = Vec::new();
        for derivation in sorted {
            let place = self.place(derivation);
            match std::fs::read(&place) {
                Ok(log) => append(&mut collected, derivation, &log),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::io("read", place, source)),
            }
        }
        Ok(collected)
    }
}

fn append(collected: &mut Vec<u8>, derivation: &str, log: &[u8]) {
    collected.extend_from_slice(format!("\n--- {derivation}\n").as_bytes());
    collected.extend_from_slice(log);
}

/// Records the builders of one realisation. What was recorded of a build that did not end is
/// dropped with this.
#[derive(Debug)]
pub(crate) struct Recorder {
    directory: LogDirectory,
    building: HashMap<u64, String>,
    logs: BTreeMap<String, DerivationLog>,
}

#[derive(Debug)]
struct DerivationLog {
    file: BufWriter<NamedTempFile>,
    last: LastLines,
    ended: bool,
}

impl Recorder {
    /// Takes in an event; gives the derivation that a printed line belongs to.
    pub(crate) fn record(&mut self, event: &LogEvent) -> Result<Option<&str>, Error> {
        match event {
            LogEvent::BuildStarted { activity, derivation } => {
                self.building.insert(*activity, derivation.clone());
                if !self.logs.contains_key(derivation) {
                    let place = &self.directory.0;
                    let file = tempfile::Builder::new()
                        .prefix(".building-")
                        .tempfile_in(place)
                        .map_err(|source| Error::io("write into", place, source))?;
                    let (file, last) = (BufWriter::new(file), LastLines::default());
                    let log = DerivationLog { file, last, ended: false };
                    self.logs.insert(derivation.clone(), log);
                }
                Ok(None)
            }
            LogEvent::BuildLine { activity, line } => {
                let Some(derivation) = self.building.get(activity) else { return Ok(None) };
                if let Some(log) = self.logs.get_mut(derivation) {
                    writeln!(log.file, "{line}")
                        .map_err(|source| Error::io("write", &self.directory.0, source))?;
                    log.last.push(line.clone());
                }
                Ok(Some(derivation))
            }
            LogEvent::Stopped { activity } => {
                if let Some(derivation) = self.building.remove(activity)
                    && let Some(log) = self.logs.get_mut(&derivation)
                {
                    log.ended = true;
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// The last lines that a derivation's builder printed.
    pub(crate) fn last_lines(&self, derivation: &str) -> Vec<String> {
        self.logs.get(derivation).map(|log| log.last.to_vec()).unwrap_or_default()
    }

    /// Keeps the logs of what was built; gives those of `failed`, in the form of
    /// [`LogDirectory::collect`].
    pub(crate) fn finish(self, failed: &BTreeSet<String>) -> Result<Vec<u8>, Error> {
        let mut of_failed = Vec::new();
        for (derivation, log) in self.logs {
            let place = self.directory.place(&derivation);
            let failed_to = |action| {
                let place = place.clone();
                move |source: std::io::Error| Error::io(action, &place, source)
            };
            let file =
                log.file.into_inner().map_err(|error| failed_to("write")(error.into_error()))?;
            if failed.contains(&derivation) || !log.ended {
                let text = std::fs::read(file.path()).map_err(failed_to("read"))?;
                append(&mut of_failed, &derivation, &text);
            } else if let Err(error) = file.persist_noclobber(&place) {
                // What was recorded first stays: a log that changes would change the release.
                if error.error.kind() != std::io::ErrorKind::AlreadyExists {
                    return Err(Error::io("write", &place, error.error));
                }
            }
        }
        Ok(of_failed)
    }
}

/// Writes a file that appears whole, in place of one that is there.
pub(crate) fn replace(place: &Path, content: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::io("write", place, source);
    written_beside(place, content)?.persist(place).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes a file that is named by its content: one that is there is the same, and stays, since
/// somebody may be reading it.
pub(crate) fn write_once(place: &Path, content: &[u8]) -> Result<(), Error> {
    match written_beside(place, content)?.persist_noclobber(place) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::io("write", place, error.error))
        }
        _ => Ok(()),
    }
}

fn written_beside(place: &Path, content: &[u8]) -> Result<NamedTempFile, Error> {
    let directory = place.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = NamedTempFile::new_in(directory)?;
        file.write_all(content)?;
        Ok(file)
    };
    write().map_err(|source: std::io::Error| Error::io("write", place, source))
}
