//! The directory of jobs. Each job has a record, which is replaced as a whole, and a file of
//! events.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::model::{Job, JobId};
use crate::damage;
use crate::health::Health;

/// The prefix of half-written files.
const NEW: &str = ".new-";
/// The maximum size of a record, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;
/// The name of this part in [`Health`].
const PART: &str = "jobs";

/// Stores jobs on the disk.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    directory: PathBuf,
    health: Health,
}

impl Journal {
    /// Opens the directory, removes half-written files of a killed service, and reads all jobs.
    /// A record that is damaged or from a newer version is set aside. Returns the jobs in their
    /// order, and the highest number of a job, which may be that of a record that is set aside.
    ///
    /// A directory that cannot be read has no jobs.
    pub(super) fn open(directory: &Path, health: &Health) -> (Self, Vec<Job>, u64) {
        let journal = Self { directory: directory.to_owned(), health: health.clone() };
        let mut jobs = Vec::new();
        let last = match journal.read(&mut jobs) {
            Ok(last) => last,
            Err(error) => {
                journal.note(&Err::<(), _>(error));
                0
            }
        };
        jobs.sort_by_key(|job: &Job| job.id);
        journal.probe();
        if let Some(aside) = damage::records_aside(directory) {
            health.degrade("damaged jobs", &aside);
        }
        (journal, jobs, last)
    }

    fn read(&self, jobs: &mut Vec<Job>) -> io::Result<u64> {
        let mut last = 0;
        self.create_directory()?;
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some((stem, end)) = name.split_once('.') else { continue };
            if name.starts_with(NEW) {
                // The next start tries again.
                let _ = fs::remove_file(&path);
            }
            let Ok(id) = stem.parse::<JobId>() else { continue };
            last = last.max(id.0);
            if end == "json" {
                match read_record(&path, id) {
                    Ok(job) => jobs.push(job),
                    Err(error) => self.set_aside(&path, &error),
                }
            }
        }
        Ok(last)
    }

    fn set_aside(&self, path: &Path, problem: &io::Error) {
        if let Err(error) = damage::set_aside(path) {
            let path = path.display();
            let text =
                format!("cannot read `{path}` ({problem}), and cannot set it aside: {error}");
            self.health.degrade("damaged job", &text);
        }
    }

    /// Finds out if jobs can be saved.
    pub(super) fn probe(&self) {
        let write = || -> io::Result<()> {
            self.create_directory()?;
            let mut new = self.new_file()?;
            new.write_all(&[0; 4096])?;
            new.as_file().sync_all()
        };
        self.note(&write());
    }

    /// Replaces a job's record. After a crash at any moment, the record is the old or the new one.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(super) fn save(&self, job: &Job) -> io::Result<()> {
        let write = || -> io::Result<()> {
            let mut new = self.new_file()?;
            serde_json::to_writer_pretty(&mut new, job)?;
            new.write_all(b"\n")?;
            self.put(new, &self.record(job.id))
        };
        let saved = write();
        self.note(&saved);
        saved
    }

    fn note<T>(&self, saved: &io::Result<T>) {
        match saved {
            Ok(_) => self.health.restore(PART),
            Err(error) => {
                let directory = self.directory.display();
                let problem = format!(
                    "jobs are refused, because they cannot be saved in `{directory}`: {error}"
                );
                self.health.degrade(PART, &problem);
            }
        }
    }

    /// Creates the directory if it does not exist: it could not be created at the start, and now it
    /// can. It is not created again for a job that is in another directory by then.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(super) fn create_directory(&self) -> io::Result<()> {
        fs::create_dir_all(&self.directory)
    }

    fn new_file(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().prefix(NEW).tempfile_in(&self.directory)
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

fn read_record(path: &Path, id: JobId) -> io::Result<Job> {
    let job: Job = damage::parse(&damage::read_file(path, LARGEST)?)?;
    if job.id == id {
        return Ok(job);
    }
    let problem = format!("it is the record of job {}", job.id);
    Err(io::Error::new(io::ErrorKind::InvalidData, problem))
}

#[cfg(test)]
mod tests {
    use netboot_cli::Progress;

    use super::*;
    use crate::jobs::model::{JobRequest, JobState};

    fn open(directory: &Path) -> (Journal, Vec<Job>, u64) {
        Journal::open(directory, &Health::new(Progress::new(false)))
    }

    #[test]
    fn jobs_are_stored_and_half_written_files_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, jobs, _) = open(directory.path());
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
        let (journal, jobs, last) = open(directory.path());
        let states: Vec<_> = jobs.iter().map(|job| (job.id, job.state)).collect();
        assert_eq!(states, expected.iter().map(|job| (job.id, job.state)).collect::<Vec<_>>());
        assert_eq!(last, 10);
        assert!(!directory.path().join(".new-abc").exists());
        journal.remove(JobId(9)).unwrap();
        assert_eq!(open(directory.path()).1.len(), 2);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_set_aside_and_its_number_is_not_used_again() {
        let directory = tempfile::tempdir().unwrap();
        let (journal, ..) = open(directory.path());
        let job = Job::new(JobId(1), JobRequest::Build { profiles: vec![] });
        journal.save(&job).unwrap();
        let good = fs::read_to_string(directory.path().join("1.json")).unwrap();
        let newer = good.replacen('{', "{\"version\":2,", 1);
        let kind = good.replace("\"build\"", "\"sign\"");
        let records = ["", "{", &good[..40], "\0\0", &good, &newer, &kind];
        for (number, record) in (2..).zip(records) {
            fs::write(directory.path().join(format!("{number}.json")), record).unwrap();
        }
        fs::create_dir(directory.path().join("90.json")).unwrap();
        for _ in 0..2 {
            let (journal, jobs, last) = open(directory.path());
            assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [job.id]);
            assert_eq!(last, 90);
            let problems = journal.health.problems().join("\n");
            assert!(problems.contains("2.json.damaged-1, 3.json.damaged-1"), "{problems}");
            for (number, record) in (2..).zip(records) {
                let name = directory.path().join(format!("{number}.json.damaged-1"));
                assert_eq!(fs::read_to_string(name).unwrap(), record);
            }
        }
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_told_until_it_can_be() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jobs");
        fs::write(&path, "a file is in its place").unwrap();
        let (journal, jobs, last) = open(&path);
        assert_eq!((jobs.len(), last), (0, 0));
        assert!(journal.health.problems()[0].contains("jobs are refused"));
        fs::remove_file(&path).unwrap();
        journal.probe();
        assert!(journal.health.problems().is_empty());
    }
}
