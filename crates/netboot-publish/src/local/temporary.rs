//! Files that are being written, and files that killed publishers left behind.

use std::fs::File;

use netboot_core::beneath::{Directory, Found};

use super::root::Root;
use crate::error::Error;

/// The names in the directory of unfinished files begin with this text. A number of 16 hexadecimal
/// digits follows. Nothing else there is ever deleted.
const PREFIX: &str = "unfinished-";

/// A name of an unfinished file or link. Dropping it deletes the file or the link.
#[derive(Debug)]
pub(super) struct Temporary {
    directory: Directory,
    name: String,
    placed: bool,
}

/// An unfinished file with the mode of published files. It is locked, which shows that it is in
/// use: the file of a killed publisher has no lock.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    pub(super) name: Temporary,
    pub(super) file: File,
}

impl Temporary {
    /// Makes something under a new name.
    fn make<T>(
        directory: Directory,
        create: impl FnOnce(&Directory, &str) -> Result<T, netboot_core::Error>,
    ) -> Result<(Self, T), Error> {
        let name = format!("{PREFIX}{:016x}", fastrand::u64(..));
        let created = create(&directory, &name).map_err(Error::at_target)?;
        Ok((Self { directory, name, placed: false }, created))
    }

    /// Creates a link, to be moved over another one.
    pub(super) fn link(root: &Root, target: &str) -> Result<Self, Error> {
        let make = |directory: &Directory, name: &str| directory.create_link(name, target);
        Ok(Self::make(root.temporary()?, make)?.0)
    }

    /// Moves it to its place.
    pub(super) fn place(
        &mut self,
        directory: &Directory,
        name: &str,
    ) -> Result<(), netboot_core::Error> {
        self.directory.rename(&self.name, directory, name)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed
            && let Err(error) = self.directory.remove(&self.name)
        {
            tracing::debug!(%error, "cannot remove an unfinished file");
        }
    }
}

impl TemporaryFile {
    pub(super) fn create(root: &Root) -> Result<Self, Error> {
        let directory = root.temporary()?;
        let create = |directory: &Directory, name: &str| directory.create_file(name);
        loop {
            let (name, file) = Temporary::make(directory.clone(), create)?;
            // `remove_abandoned` may have locked or deleted the file before it was locked here.
            if file.try_lock().is_ok() && directory.look(&name.name).is_ok_and(|it| it.is_some()) {
                return Ok(Self { name, file });
            }
        }
    }
}

/// Removes the files and links of killed publishers: those that no publisher has locked.
pub(super) fn remove_abandoned(root: &Root) -> Result<(), Error> {
    let directory = root.temporary()?;
    for name in directory.names().map_err(Error::at_target)? {
        let Some(name) = name.to_str().filter(|name| is_own(name)) else { continue };
        // Hold the lock until the file is deleted, so that the publisher that created it just now
        // and waits for the lock finds it deleted. A file that disappears was put into place.
        let lock = match directory.look(name) {
            Ok(Some(Found::Link { .. })) => None,
            Ok(Some(Found::File { .. })) => match directory.file(name) {
                Ok(Some(file)) if file.try_lock().is_ok() => Some(file),
                _ => continue,
            },
            _ => continue,
        };
        if let Err(error) = directory.remove(name) {
            tracing::debug!(%error, "cannot remove an abandoned file");
        }
        drop(lock);
    }
    Ok(())
}

fn is_own(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|number| {
        number.len() == 16 && number.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
