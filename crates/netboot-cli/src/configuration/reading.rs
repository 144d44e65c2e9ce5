//! Reads the file, and checks it as a whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use netboot_core::read_regular_text;
use serde::Deserialize;
use toml::de::DeTable;

use super::known_keys::find_unknown;
use super::{Configuration, FILE_NAME};
use crate::error::Error;

/// The maximum size of the file, in bytes.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;

impl Configuration {
    /// Reads a file and checks it as a whole. Asynchronous code calls it with
    /// [`netboot_core::blocking`].
    ///
    /// # Errors
    /// [`Error::ReadConfiguration`], and the errors of [`parse`](Self::parse).
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let text = read_regular_text(&file, FILE_LIMIT).map_err(|source| {
            Error::ReadConfiguration { file: path.to_owned(), source: Box::new(source) }
        })?;
        let mut configuration = Self::parse(&text, path)?;
        if let Some(directory) = file.parent() {
            configuration.resolve(directory);
        }
        Ok(configuration)
    }

    /// Reads `netboot.toml` in a directory. Without the file, the configuration is empty. The
    /// directories above are not searched.
    ///
    /// # Errors
    /// The errors of [`load`](Self::load).
    pub fn find(directory: impl AsRef<Path>) -> Result<Self, Error> {
        let path: PathBuf = directory.as_ref().join(FILE_NAME);
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            _ => Self::load(path),
        }
    }

    /// Reads a text and checks it as a whole; `file` is for messages. Relative paths remain as they
    /// are.
    ///
    /// # Errors
    /// [`Error::MalformedConfiguration`] for a text that is not TOML, and for a value of the wrong
    /// type; [`Error::UnknownKey`]; [`Error::InvalidConfiguration`] for a value that cannot be
    /// used.
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Self, Error> {
        let file = file.as_ref();
        let malformed = |mut source: toml::de::Error| {
            source.set_input(Some(text));
            Error::MalformedConfiguration { file: file.to_owned(), source: Box::new(source) }
        };
        let table = DeTable::parse(text).map_err(malformed)?;
        if let Some(unknown) = find_unknown(table.get_ref()) {
            let before = text.get(..unknown.place.start).unwrap_or(text);
            return Err(Error::UnknownKey {
                file: file.to_owned(),
                line: before.matches('\n').count() + 1,
                table: unknown.table,
                key: unknown.key,
                known: unknown.known,
            });
        }
        let read = Self::deserialize(toml::de::Deserializer::from(table));
        let mut configuration = read.map_err(malformed)?;
        configuration.file = Some(file.to_owned());
        configuration.expand_home();
        configuration.check()?;
        Ok(configuration)
    }

    /// Checks what the types of the values do not say. It reads no other file.
    fn check(&self) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        for profile in &self.profiles {
            if !names.insert(&profile.name) {
                let problem = format!("two of them have the name `{}`", profile.name);
                return Err(self.refusal("profiles", problem, "rename one of them"));
            }
        }
        for name in self.targets.keys() {
            self.named_target(name)?;
        }
        self.at(self.retention.check())?;
        self.at(self.proof.check())?;
        if let Some(closure_boot) = &self.closure_boot {
            self.at(closure_boot.check())?;
        }
        self.fleet()?;
        if !names.is_empty() {
            self.check_assigned(|profile| names.contains(profile))?;
        }
        Ok(())
    }
}
