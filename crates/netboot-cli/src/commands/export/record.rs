//! The record of an export, by which the next export knows the files again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

use netboot_core::{Error, Report, Sha256Digest, read_regular_text};
use serde::{Deserialize, Serialize};

/// The maximum size of a record, in bytes.
const RECORD_LIMIT: u64 = 64 * 1024 * 1024;

/// The files that exports wrote into a directory, by their paths below it.
///
/// A file has two digests while an export replaces it, so that the next export knows it again if
/// this one is interrupted.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Record(pub(super) BTreeMap<String, BTreeSet<Sha256Digest>>);

impl Record {
    /// The path of the record in the directory of an export of this name.
    pub(super) fn path(name: &str, directory: &Path) -> PathBuf {
        // No publisher takes a name that starts with `.netboot` for an object of its target.
        directory.join(format!(".netboot-export-{name}.json"))
    }

    /// Reads a record. A record that makes no sense counts as missing, so that every file is
    /// foreign.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, Report> {
        let text = match read_regular_text(path, RECORD_LIMIT) {
            Ok(text) => text,
            Err(Error::Io { source, .. }) if is_missing(&source) => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        let record: Self = serde_json::from_str(&text).unwrap_or_default();
        let is_below = |path: &String| {
            Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
        };
        Ok(if record.0.keys().all(is_below) { record } else { Self::default() })
    }

    /// The text of the record in its file.
    ///
    /// # Errors
    /// None, because every key is a text.
    pub(super) fn text(&self) -> Result<String, Report> {
        let mut text = serde_json::to_string_pretty(self).map_err(Report::foreign)?;
        text.push('\n');
        Ok(text)
    }
}

/// Returns true if there is no file at the path that was read.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
