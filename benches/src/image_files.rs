//! An image as files of a directory.

use std::fs;
use std::path::{Path, PathBuf};

use crate::write_noise;

/// A kernel that changes when it is told to, and an initrd that does not, in a directory of their
/// own.
#[derive(Debug)]
pub struct ImageFiles {
    directory: PathBuf,
    kernel_megabytes: u64,
    changes: u64,
}

impl ImageFiles {
    /// Writes files of these sizes into `directory`, which is made.
    ///
    /// # Panics
    /// When they cannot be written.
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
    /// When it cannot be written.
    pub fn change(&mut self) {
        self.changes += 1;
        write_noise(&self.kernel(), self.kernel_megabytes, self.changes);
    }

    /// The directory that has nothing but the image.
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
