//! Writes the files of an export, and deletes the files of the export before it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use netboot_core::{Error, Report, Sha256Digest, counted};

use super::record::{Record, is_missing};

/// The number of files that a message names.
const NAMED: usize = 5;

/// The option that lets an export replace files of others.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ReplaceForeign {
    /// Replace or delete files in the place of exported ones that no export wrote, or that somebody
    /// changed since.
    #[arg(long)]
    replace_foreign: bool,
}

/// The files of one export.
#[derive(Debug)]
pub(super) struct ExportedFiles<'a> {
    directory: &'a Path,
    record: PathBuf,
    files: &'a BTreeMap<String, String>,
}

/// The paths that an export wrote and deleted.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) written: Vec<String>,
    pub(super) deleted: Vec<String>,
}

impl<'a> ExportedFiles<'a> {
    /// The files, by their paths below `directory`, for a server of this name.
    pub(super) fn new(
        server: &str,
        directory: &'a Path,
        files: &'a BTreeMap<String, String>,
    ) -> Self {
        let record = Record::path(server, directory);
        Self { directory, record, files }
    }

    /// Writes the files, and deletes those that the export before wrote and this one does not.
    ///
    /// # Errors
    /// If a file is in the way that no export wrote, unless it may be replaced; if a file cannot be
    /// read or written.
    pub(super) fn write(&self, foreign: ReplaceForeign) -> Result<Changes, Report> {
        let before = Record::read(&self.record)?;
        let stale: BTreeSet<&String> =
            before.0.keys().filter(|path| !self.files.contains_key(*path)).collect();
        if !foreign.replace_foreign {
            self.require_own(&before, &stale)?;
        }
        fs::create_dir_all(self.directory)
            .map_err(|source| Error::io("create", self.directory, source))?;
        let now: BTreeMap<String, BTreeSet<Sha256Digest>> = self
            .files
            .iter()
            .map(|(path, text)| (path.clone(), [Sha256Digest::of(text.as_bytes())].into()))
            .collect();
        let mut both = before.0.clone();
        for (path, digests) in &now {
            both.entry(path.clone()).or_default().extend(digests);
        }
        self.write_record(&Record(both))?;
        let mut changes = Changes::default();
        // In matchbox's directory, `groups` name `profiles`, so they are written last and deleted
        // first.
        for (path, text) in self.files.iter().rev() {
            self.replace(&self.directory.join(path), text)?;
        }
        for path in stale {
            let place = self.directory.join(path);
            match fs::remove_file(&place) {
                Ok(()) => changes.deleted.push(place.display().to_string()),
                Err(error) if is_missing(&error) => {}
                Err(source) => return Err(Error::io("delete", &place, source).into()),
            }
        }
        self.write_record(&Record(now))?;
        let shown = |path: &String| self.directory.join(path).display().to_string();
        changes.written = self.files.keys().map(shown).collect();
        Ok(changes)
    }

    /// Fails if a file that would be replaced or deleted is not as an export wrote it.
    fn require_own(&self, before: &Record, stale: &BTreeSet<&String>) -> Result<(), Report> {
        let mut foreign = Vec::new();
        for path in self.files.keys().chain(stale.iter().copied()) {
            let place = self.directory.join(path);
            let found = match fs::read(&place) {
                Ok(found) => found,
                Err(error) if is_missing(&error) => continue,
                Err(source) => return Err(Error::io("read", &place, source).into()),
            };
            let is_written = self.files.get(path).is_some_and(|text| text.as_bytes() == found);
            let digests = before.0.get(path);
            let is_own = digests.is_some_and(|digests| digests.contains(&Sha256Digest::of(&found)));
            if !is_written && !is_own {
                foreign.push(format!("`{}`", place.display()));
            }
        }
        if foreign.is_empty() {
            return Ok(());
        }
        let count = counted(foreign.len(), "file");
        if foreign.len() > NAMED {
            foreign.truncate(NAMED);
            foreign.push("...".to_owned());
        }
        Err(Report::message(
            format!("{count} would be lost that no export wrote: {}", foreign.join(", ")),
            "move them elsewhere, or choose another directory with --output; to lose them, add \
             --replace-foreign",
        ))
    }

    fn write_record(&self, record: &Record) -> Result<(), Report> {
        self.replace(&self.record, &record.text()?)
    }

    /// Replaces a file at once, so that a server reads the old text or the new one.
    fn replace(&self, place: &Path, text: &str) -> Result<(), Report> {
        let failed = |source| Error::io("write", place, source);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        // Servers read every file below the directories of the files, so the new one begins above
        // them.
        let mut file = tempfile::Builder::new()
            .prefix(".netboot-export-")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(self.directory)
            .map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(place).map_err(|error| failed(error.error))?;
        Ok(())
    }
}
