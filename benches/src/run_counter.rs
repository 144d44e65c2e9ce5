//! A program around another one that counts how often it is run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A script that runs a program and notes each run, except runs that ask for its version.
#[derive(Debug)]
pub struct RunCounter {
    path: PathBuf,
    log: PathBuf,
}

impl RunCounter {
    /// Writes the script into `directory`, under the program's name.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn new(directory: &Path, program: &Path) -> Self {
        let path = directory.join(program.file_name().unwrap());
        let log = directory.join("runs");
        let (program, quoted) = (program.display(), log.display());
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] || echo run >> '{quoted}'\nexec '{program}' \"$@\"\n"
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self { path, log }
    }

    /// The script.
    pub fn program(&self) -> &Path {
        &self.path
    }

    /// The number of runs since the last call.
    pub fn take(&self) -> u64 {
        let count = fs::read_to_string(&self.log).map_or(0, |text| text.lines().count());
        let _ = fs::remove_file(&self.log);
        count as u64
    }
}
