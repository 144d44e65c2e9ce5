//! The files of the records: one for each machine, which is replaced as a whole.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::record::{Record, Standing};
use super::refusal::Refusal;
use crate::damage;

/// The maximum size of a record, in bytes. Records are much smaller.
const LARGEST: u64 = 1 << 20;

/// The directory of the records.
#[derive(Debug)]
pub(super) struct Files {
    directory: PathBuf,
}

impl Files {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    fn path(&self, machine: &str) -> PathBuf {
        self.directory.join(format!("{machine}.json"))
    }

    /// Reads the record of a machine that the configuration recognises by `matches`. A record with
    /// other keys is about other hardware, and does not count. A damaged record is set aside. It is
    /// a conflict, because it may have been one.
    ///
    /// # Errors
    /// If the file cannot be read or set aside.
    pub(super) fn read(&self, machine: &str, matches: &str) -> io::Result<Record> {
        let path = self.path(machine);
        let new = || Record { matches: matches.to_owned(), ..Record::default() };
        let read = damage::read_file(&path, LARGEST);
        match read.and_then(|bytes| damage::parse::<Record>(&bytes)) {
            Ok(record) if record.matches == matches => Ok(record),
            Ok(_) => Ok(new()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(new()),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                let damaged = Refusal::Damaged { machine: machine.to_owned() };
                let record = Record { standing: Standing::Conflict(damaged), ..new() };
                damage::set_aside(&path)?;
                self.write(machine, &record)?;
                Ok(record)
            }
            Err(error) => Err(error),
        }
    }

    /// Replaces the file of a machine. If that fails, removes the file, so that no later start
    /// takes an old record for the newest one. A file can be removed even if the disk is full.
    ///
    /// # Errors
    /// If the file cannot be replaced.
    pub(super) fn write(&self, machine: &str, record: &Record) -> io::Result<()> {
        let written = || {
            fs::create_dir_all(&self.directory)?;
            let mut new =
                tempfile::Builder::new().prefix(".claim-").tempfile_in(&self.directory)?;
            serde_json::to_writer(&mut new, record)?;
            new.persist(self.path(machine))?;
            Ok(())
        };
        written().inspect_err(|_| drop(fs::remove_file(self.path(machine))))
    }
}
