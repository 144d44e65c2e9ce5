//! The forms that the store can have on the machine.
//!
//! The form is chosen at boot, and is never part of what is published. `netboot.store` asks for one
//! ([`StoreChoice`]); the memory of the machine decides ([`StoreForm::choose`]). Then the directory
//! is prepared ([`StoreForm::prepare`]), before anything is fetched.

use std::path::Path;

use crate::error::Error;
use crate::memory::MemoryNeed;

/// What the kernel parameter `netboot.store` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StoreChoice {
    /// `auto`: files in memory where they fit.
    #[default]
    Auto,
    /// `tmpfs`: files in memory.
    Tmpfs,
}

/// The form that the store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreForm {
    /// The directory is used as it is. On NixOS it is a tmpfs, which the initrd mounted.
    Tmpfs,
}

impl StoreForm {
    /// Chooses the form that fits into `available` bytes of memory.
    ///
    /// # Errors
    /// [`Error::Memory`] if no allowed form fits.
    pub fn choose(_: StoreChoice, need: &MemoryNeed, available: u64) -> Result<Self, Error> {
        let needed = need.tmpfs_bytes().saturating_add(need.other_bytes());
        if needed <= available { Ok(Self::Tmpfs) } else { Err(Error::Memory { needed, available }) }
    }

    /// Prepares the directory, so that store paths can be written into it.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be created.
    pub fn prepare(self, directory: &Path, _: &MemoryNeed) -> Result<(), Error> {
        std::fs::create_dir_all(directory).map_err(|source| Error::Io {
            action: "create",
            path: directory.to_owned(),
            source,
        })
    }
}
