//! An image in files of a directory.

use std::fs;
use std::path::{Path, PathBuf};

use crate::write_noise;

/// A directory with a kernel that can be changed, and an initrd that stays.
#[derive(Debug)]
pub struct ImageFiles {
    directory: PathBuf,
    kernel_megabytes: u64,
    changes: u64,
}

impl ImageFiles {
    /// Creates `directory` with files of these sizes.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn new(directory: &Path, kernel_megabytes: u64, initrd_megabytes: u64) -> Self {
        fs::create_dir(directory).unwrap();
        let mut files = Self { directory: directory.to_owned(), kernel_megabytes, changes: 0 };
        write_noise(&files.initrd(), initrd_megabytes, 0);
        files.change();
        files
    }

    /// Writes another kernel.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn change(&mut self) {
        self.changes += 1;
        write_noise(&self.kernel(), self.kernel_megabytes, self.changes);
    }

    /// The directory, which contains only the image.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The kernel.
    pub fn kernel(&self) -> PathBuf {
        self.directory.join("bzImage")
    }

    /// The initrd.
    pub fn initrd(&self) -> PathBuf {
        self.directory.join("initrd")
    }
}
