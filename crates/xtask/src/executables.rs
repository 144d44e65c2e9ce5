//! Test executables: cargo builds them, and they run side by side.

use std::iter;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;
use std::vec;

use serde::Deserialize;

use crate::cargo::cargo;
use crate::error::Error;

/// The exit code of cargo when a test fails.
const TESTS_FAILED: u8 = 101;

/// The directories of the packages whose tests take longest, the longest first.
///
/// They start first, so that the others run while these wait for machines and servers.
const LONGEST_FIRST: [&str; 6] =
    ["tests", "netboot-publish", "deployer", "netboot-qemu", "netboot-nix", "netboot-cli"];

/// A program that runs tests.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Executable {
    /// The name of the package's directory.
    package: String,
    /// For a person: the package, and the kind and name of the target.
    name: String,
    program: PathBuf,
    /// The directory of the package, in which cargo starts its tests.
    directory: PathBuf,
}

/// A line of cargo about what it built: `cargo build --message-format=json`, "artifact messages" in
/// the chapter "External tools" of the Cargo Book.
#[derive(Deserialize)]
struct Message {
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The way to run the tests of the workspace.
#[derive(Debug)]
pub(crate) struct TestRun<'a> {
    /// The arguments for each executable, such as a filter.
    pub(crate) arguments: &'a [String],
    /// True if a failure does not keep the rest from starting.
    pub(crate) goes_on: bool,
    /// The number of executables that run side by side.
    pub(crate) side_by_side: usize,
    /// The number of tests that each executable runs side by side. `None` leaves it to the
    /// environment.
    pub(crate) threads: Option<usize>,
    /// Work of the compiler. It runs beside the executables, one job at a time, because cargo locks
    /// the target directory.
    pub(crate) beside: Vec<Job>,
}

/// A command, and its name for a person.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) command: Command,
}

impl TestRun<'_> {
    /// Builds and runs all tests of the workspace: the executables, and beside them the tests in
    /// the documentation. Prints the output of each when it has ended.
    ///
    /// # Errors
    /// [`Error::Start`] if cargo or an executable cannot be run.
    pub(crate) fn run(mut self) -> Result<ExitCode, Error> {
        let Some(mut executables) = build()? else { return Ok(ExitCode::from(TESTS_FAILED)) };
        executables.sort_by_key(|executable| {
            let place = LONGEST_FIRST.iter().position(|name| *name == executable.package);
            place.unwrap_or(LONGEST_FIRST.len())
        });
        let jobs = executables.iter().map(|executable| self.job(executable)).collect();
        let mut beside = vec![self.documentation()];
        beside.append(&mut self.beside);
        self.side_by_side(jobs, beside)
    }

    fn job(&self, executable: &Executable) -> Job {
        let mut command = Command::new(&executable.program);
        command.args(self.arguments).current_dir(&executable.directory);
        command.env("CARGO_MANIFEST_DIR", &executable.directory);
        if let Some(threads) = self.threads {
            command.env("RUST_TEST_THREADS", threads.to_string());
        }
        Job { name: executable.name.clone(), command }
    }

    /// The tests in the documentation, which rustdoc compiles and runs.
    fn documentation(&self) -> Job {
        let mut command = cargo();
        command.args(["test", "--doc", "--workspace", "--all-features", "--quiet"]);
        command.args(self.goes_on.then_some("--no-fail-fast"));
        command.arg("--").args(self.arguments);
        Job { name: "tests in the documentation".to_owned(), command }
    }

    /// Runs `jobs`, some at a time, and the jobs `beside` them, one at a time, until all have ended
    /// or one has failed.
    fn side_by_side(&self, jobs: Vec<Job>, beside: Vec<Job>) -> Result<ExitCode, Error> {
        let (start, stop) = (Instant::now(), AtomicBool::new(false));
        let failed = Mutex::new(Vec::<String>::new());
        let [jobs, beside] = [jobs, beside].map(|jobs| Mutex::new(jobs.into_iter()));
        let work = |jobs: &Mutex<vec::IntoIter<Job>>| -> Result<(), Error> {
            while !stop.load(Ordering::Relaxed) {
                let job = lock(jobs).next();
                let Some(Job { name, mut command }) = job else { return Ok(()) };
                println!("     Started {name}, after {} s", start.elapsed().as_secs());
                let output = command.stdin(Stdio::null()).output().map_err(|source| {
                    stop.store(true, Ordering::Relaxed);
                    Error::Start { program: command.get_program().into(), source }
                })?;
                let seconds = start.elapsed().as_secs();
                println!("       Ended {name}, after {seconds} s\n{}", printed(&output));
                if !output.status.success() {
                    lock(&failed).push(format!("{name} ({})", output.status));
                    stop.fetch_or(!self.goes_on, Ordering::Relaxed);
                }
            }
            Ok(())
        };
        thread::scope(|scope| {
            let queues = iter::repeat_n(&jobs, self.side_by_side).chain([&beside]);
            let workers: Vec<_> = queues.map(|queue| scope.spawn(|| work(queue))).collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
        let failed = lock(&failed);
        if failed.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("error: these failed:\n    {}", failed.join("\n    "));
        Ok(ExitCode::from(TESTS_FAILED))
    }
}

/// Builds the executables of the workspace. `None` if that fails; cargo has said why.
fn build() -> Result<Option<Vec<Executable>>, Error> {
    let mut command = cargo();
    command.args(["test", "--no-run", "--workspace", "--all-features"]);
    command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = command
        .output()
        .map_err(|source| Error::Start { program: command.get_program().into(), source })?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let executables = messages.lines().filter_map(executable).collect();
    Ok(output.status.success().then_some(executables))
}

/// The executable that a line of cargo names. `None` if the line is about something else.
fn executable(line: &str) -> Option<Executable> {
    let message: Message = serde_json::from_str(line).ok()?;
    let Message { manifest_path, target, profile, executable, .. } = message;
    let program = executable.filter(|_| profile.is_some_and(|profile| profile.test))?;
    let (directory, target) = (manifest_path?.parent()?.to_owned(), target?);
    let package = directory.file_name()?.to_string_lossy().into_owned();
    let name = format!("{package}, {}", target.kind.join(" ") + " " + &target.name);
    Some(Executable { package, name, program, directory })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn printed(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn an_executable_is_read_from_the_message_of_cargo() {
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/tests#0.1.0",
            "manifest_path":"/w/tests/Cargo.toml","target":{"kind":["test"],"crate_types":["bin"],
            "name":"it","src_path":"/w/tests/tests/it/main.rs","edition":"2024","doc":false,
            "doctest":false,"test":true},"profile":{"opt_level":"0","debuginfo":0,
            "debug_assertions":true,"overflow_checks":true,"test":true},"features":[],
            "filenames":["/w/target/debug/deps/it-0"],"executable":"/w/target/debug/deps/it-0",
            "fresh":true}"#;
        let expected = Executable {
            package: "tests".to_owned(),
            name: "tests, test it".to_owned(),
            program: "/w/target/debug/deps/it-0".into(),
            directory: "/w/tests".into(),
        };
        assert_eq!(executable(line), Some(expected));
        let program = line.replace(r#""test":true},"features""#, r#""test":false},"features""#);
        assert_eq!(executable(&program), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#), None);
    }

    /// Runs shell scripts in a directory, one after another with these `beside` them.
    fn run(directory: &Path, goes_on: bool, scripts: &[&str], beside: &[&str]) -> ExitCode {
        let shell = |script: &&str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]).current_dir(directory);
            Job { name: script.to_string(), command }
        };
        let [scripts, beside] = [scripts, beside].map(|it| it.iter().map(shell).collect());
        let run =
            TestRun { arguments: &[], goes_on, side_by_side: 1, threads: None, beside: Vec::new() };
        run.side_by_side(scripts, beside).unwrap()
    }

    #[test]
    fn a_failure_is_told_and_ends_the_run_unless_it_goes_on() {
        for (first, goes_on, code, has_second) in [
            ("true", false, ExitCode::SUCCESS, true),
            ("false", true, ExitCode::from(TESTS_FAILED), true),
            ("false", false, ExitCode::from(TESTS_FAILED), false),
        ] {
            let directory = tempfile::tempdir().unwrap();
            assert_eq!(run(directory.path(), goes_on, &[first, "touch second"], &[]), code);
            assert_eq!(directory.path().join("second").exists(), has_second, "{first}, {goes_on}");
        }
    }

    #[test]
    fn jobs_run_side_by_side() {
        let directory = tempfile::tempdir().unwrap();
        let made = Command::new("mkfifo").arg(directory.path().join("pipe")).status().unwrap();
        assert!(made.success());
        // Each waits for the other, which opens the other end of the pipe.
        let code = run(directory.path(), false, &["echo word > pipe"], &["read word < pipe"]);
        assert_eq!(code, ExitCode::SUCCESS);
    }
}
