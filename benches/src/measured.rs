//! Measures programs, and publishers in processes of their own.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use netboot_core::Context;
use netboot_publish::{Retention, VerifyDepth, VerifyScope};
use serde::{Deserialize, Serialize};

use crate::image_files::release_of;
use crate::place::Place;

/// Tells a publisher process its place and its work.
const TASK: &str = "NETBOOT_BENCH_TASK";

/// The resources that a program used.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// The time from its start to its end.
    pub wall: Duration,
    /// Its peak memory in KiB: `VmHWM` of proc(5).
    pub peak: u64,
    /// Its output.
    pub output: String,
}

/// Runs a program to its end.
///
/// # Panics
/// If it cannot be started, or fails.
pub fn run(command: &mut Command) -> Run {
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reading = thread::spawn(move || {
        let (mut output, mut errors) = (String::new(), String::new());
        stdout.read_to_string(&mut output).unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        (output, errors)
    });
    let mut peak = 0;
    let ended = loop {
        // The value never decreases, so only the last one before the end counts.
        peak = fs::read_to_string(&status).ok().and_then(|text| high_water(&text)).unwrap_or(peak);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let wall = begin.elapsed();
    let (output, errors) = reading.join().unwrap();
    assert!(ended.success(), "{command:?}: {output}{errors}");
    Run { wall, peak, output }
}

fn high_water(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The work that a publisher does in a process of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Work {
    /// It publishes the files of a directory that [`ImageFiles`](crate::ImageFiles) made.
    Publish {
        /// The directory.
        directory: PathBuf,
    },
    /// It publishes such files with the promise that nobody changes them.
    PublishImmutable {
        /// The directory.
        directory: PathBuf,
    },
    /// It reads the history.
    History,
    /// It looks at all releases.
    Overview,
    /// It verifies all releases by listing.
    Verify,
    /// It finds what pruning would delete.
    PruneDry,
}

/// The resources that the work of a publisher used.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// The time to hash the files, which is independent of the number of targets.
    pub hash: Duration,
    /// The time for everything else. Making the store counts, the process's start does not.
    pub work: Duration,
    /// The whole process.
    pub run: Run,
}

impl Published {
    /// The run with the time of the work alone, for peers that hash nothing.
    pub fn hashed_before(self) -> Run {
        Run { wall: self.work, ..self.run }
    }
}

#[derive(Serialize, Deserialize)]
struct Task {
    place: Place,
    work: Work,
}

/// Lets a publisher do its work in a process of its own.
///
/// # Panics
/// If it fails.
pub fn apart(place: &Place, work: Work) -> Published {
    let task = serde_json::to_string(&Task { place: place.clone(), work }).unwrap();
    let run = run(Command::new(std::env::current_exe().unwrap()).env(TASK, task));
    let mut times = run.output.split_whitespace().map(|text| text.parse().unwrap());
    let mut time = || Duration::from_micros(times.next().unwrap());
    Published { hash: time(), work: time(), run }
}

/// Publishes the files of a directory in a process of its own.
///
/// # Panics
/// If it fails.
pub fn publish(place: &Place, directory: &Path) -> Published {
    apart(place, Work::Publish { directory: directory.to_owned() })
}

/// Publishes files that nobody changes.
///
/// # Panics
/// If it fails.
pub fn publish_immutable(place: &Place, directory: &Path) -> Published {
    apart(place, Work::PublishImmutable { directory: directory.to_owned() })
}

/// Does the work, if this is the process that [`apart`] started.
///
/// # Panics
/// If it fails.
#[expect(clippy::print_stdout, reason = "it is read by the process that started this one")]
pub fn is_publisher() -> bool {
    let Ok(task) = std::env::var(TASK) else { return false };
    let Task { place, work } = serde_json::from_str(&task).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let context = Context::new();
        let (mut begin, mut hash) = (Instant::now(), Duration::ZERO);
        match work {
            Work::Publish { ref directory } | Work::PublishImmutable { ref directory } => {
                let are_immutable = matches!(work, Work::PublishImmutable { .. });
                let release = release_of(directory, are_immutable).await;
                hash = begin.elapsed();
                begin = Instant::now();
                place.publisher().await.publish(&release, &context).await.unwrap();
            }
            Work::History => drop(place.publisher().await.history().await.unwrap()),
            Work::Overview => drop(place.publisher().await.overview().await.unwrap()),
            Work::Verify => {
                let publisher = place.publisher().await;
                let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Listing);
                publisher.verify(scope, depth, &context).await.unwrap();
            }
            Work::PruneDry => {
                let dry = Retention::default().with_dry_run(true);
                place.publisher().await.prune(&dry, &context).await.unwrap();
            }
        }
        println!("{} {}", hash.as_micros(), begin.elapsed().as_micros());
    });
    true
}
