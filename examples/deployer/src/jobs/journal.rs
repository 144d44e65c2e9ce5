//! The directory of jobs. Each job has a record, which is replaced as a whole, and a file of
//! events.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::model::{Job, JobId};
use crate::start_error::StartError;

/// The prefix of half-written files.
const NEW: &str = ".new-";

/// Stores jobs on the disk.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    directory: PathBuf,
}

impl Journal {
    /// Opens the directory, removes half-written files of a killed service, and reads all jobs.
    ///
    /// # Errors
    /// [`StartError::Io`], also for a record that cannot be parsed: no job is forgotten silently.
    pub(super) fn open(directory: &Path) -> Result<(Self, Vec<Job>), StartError> {
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| StartError::Io { action, path, source }
        };
        fs::create_dir_all(directory).map_err(failed("create", directory))?;
        let mut jobs = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed("read", directory))? {
            let path = entry.map_err(failed("read", directory))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(NEW) {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            } else if let Some(stem) = name.strip_suffix(".json")
                && stem.parse::<JobId>().is_ok()
            {
                let text = fs::read(&path).map_err(failed("read", &path))?;
                let job = serde_json::from_slice(&text).map_err(io::Error::from);
                jobs.push(job.map_err(failed("parse", &path))?);
            }
        }
        jobs.sort_by_key(|job: &Job| job.id);
        Ok((Self { directory: directory.to_owned() }, jobs))
    }

    /// Replaces a job's record. After a crash at any moment, the record is the old or the new one.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(super) fn save(&self, job: &Job) -> io::Result<()> {
        let mut new = tempfile::Builder::new().prefix(NEW).tempfile_in(&self.directory)?;
        serde_json::to_writer_pretty(&mut new, job)?;
        new.write_all(b"\n")?;
        self.put(new, &self.record(job.id))
    }

    fn put(&self, new: NamedTempFile, place: &Path) -> io::Result<()> {
        new.as_file().sync_all()?;
        new.persist(place)?;
        // The name is on the disk only after its directory is.
        File::open(&self.directory)?.sync_all()
    }

    /// Forgets a job.
    ///
    /// # Errors
    /// If the files cannot be removed.
    pub(super) fn remove(&self, id: JobId) -> io::Result<()> {
        fs::remove_file(self.record(id))?;
        match fs::remove_file(self.events(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn record(&self, id: JobId) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }

    /// The file of a job's events.
    pub(super) fn events(&self, id: JobId) -> PathBuf {
        self.directory.join(format!("{id}.events"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::model::{JobRequest, JobState};

    #[test]
    fn jobs_are_stored_and_half_written_files_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, jobs) = Journal::open(directory.path()).unwrap();
        assert!(jobs.is_empty());
        let mut expected = Vec::new();
        for number in [10, 9, 1] {
            let mut job = Job::new(JobId(number), JobRequest::Build { profiles: vec![] });
            journal.save(&job).unwrap();
            job.finish(JobState::Succeeded);
            journal.save(&job).unwrap();
            expected.insert(0, job);
        }
        fs::write(directory.path().join(".new-abc"), "{").unwrap();
        let (journal, jobs) = Journal::open(directory.path()).unwrap();
        let states: Vec<_> = jobs.iter().map(|job| (job.id, job.state)).collect();
        assert_eq!(states, expected.iter().map(|job| (job.id, job.state)).collect::<Vec<_>>());
        assert!(!directory.path().join(".new-abc").exists());
        journal.remove(JobId(9)).unwrap();
        assert_eq!(Journal::open(directory.path()).unwrap().1.len(), 2);
        fs::write(directory.path().join("11.json"), "{").unwrap();
        let error = Journal::open(directory.path()).unwrap_err();
        assert!(error.to_string().contains("11.json"), "{error}");
    }
}
