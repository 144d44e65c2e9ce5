//! A published closure, and a machine that boots it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use netboot_closure::console::{ConsoleLine, Failure, FailureCause, FetchProblem, StoreSummary};
use netboot_closure::nar::dump;
use netboot_closure::{
    CompressionLevel, Index, IndexEntry, PackedClosure, Packer, PathToPack, Sha256, StorePath,
};
use netboot_stage1::Settings;
use netboot_testbed::{PATIENCE, peak_memory};
use sha2::Digest;
use tempfile::TempDir;

/// The digest of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_bytes(sha2::Sha256::digest(bytes).into())
}

/// Bytes that compress to about a half. Different seeds give different bytes.
pub(crate) fn contents(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        [b'a' + (state % 16) as u8, b'a' + (state / 16 % 16) as u8]
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

/// A target with the blobs of a closure: one store path for each size.
pub(crate) struct Site {
    pub(crate) directory: TempDir,
    pub(crate) index: Index,
    pub(crate) index_digest: Sha256,
}

impl Site {
    /// Publishes store paths with files of these sizes. The first one has the `init`.
    pub(crate) fn new(sizes: &[usize]) -> Self {
        Self::with_level(sizes, CompressionLevel::FAST)
    }

    pub(crate) fn with_level(sizes: &[usize], level: CompressionLevel) -> Self {
        let directory = TempDir::new().unwrap();
        let paths: Vec<PathToPack> = sizes
            .iter()
            .enumerate()
            .map(|(number, size)| store_path(directory.path(), number, *size))
            .collect();
        let init = format!("{}/init", paths[0].path);
        let packer = Packer::new(directory.path().join("cache")).with_level(level);
        let go_on = |_| std::ops::ControlFlow::Continue(());
        let PackedClosure { index, blobs, .. } = packer.pack(&init, paths, &go_on).unwrap();
        let target = directory.path().join("www/blobs");
        fs::create_dir_all(&target).unwrap();
        for (entry, blob) in index.entries().iter().zip(&blobs) {
            fs::copy(blob, target.join(entry.blob.to_string())).unwrap();
        }
        let mut site = Self { directory, index_digest: Sha256::from_bytes([0; 32]), index };
        site.index_digest = site.publish_index(&site.index.to_string());
        site
    }

    /// Publishes a text as an index, and returns its digest.
    pub(crate) fn publish_index(&self, text: &str) -> Sha256 {
        self.publish(&zstd::encode_all(text.as_bytes(), 3).unwrap())
    }

    /// Publishes a blob, and returns its digest.
    pub(crate) fn publish(&self, bytes: &[u8]) -> Sha256 {
        let digest = sha256(bytes);
        fs::write(self.blob(&digest), bytes).unwrap();
        digest
    }

    /// The file of a blob.
    pub(crate) fn blob(&self, digest: &Sha256) -> PathBuf {
        self.root().join("blobs").join(digest.to_string())
    }

    /// The directory that a web server serves.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("www")
    }

    /// The entry with the largest blob, which is fetched first.
    pub(crate) fn largest(&self) -> &IndexEntry {
        self.index.entries().iter().max_by_key(|entry| entry.blob_size).unwrap()
    }

    /// A machine that boots this closure from these sources.
    pub(crate) fn machine(&self, sources: &[&str]) -> Machine {
        let mut line = format!("quiet netboot.index={}", self.index_digest);
        for source in sources {
            line.push_str(" netboot.from=");
            line.push_str(source);
        }
        Machine::new(&line)
    }

    /// Checks that a machine has exactly this closure.
    pub(crate) fn assert_complete(&self, machine: &Machine) {
        for entry in self.index.entries() {
            let path = machine.store().join(entry.path.base_name());
            let mut archive = Vec::new();
            dump(&path, &mut archive).unwrap();
            assert_eq!(sha256(&archive), entry.nar_hash, "{}", path.display());
        }
        let mut registration = String::new();
        self.index.write_registration(&mut registration).unwrap();
        let registered = fs::read_to_string(machine.store().join("nix-path-registration"));
        assert_eq!(registered.unwrap(), registration);
        assert_eq!(machine.names().len(), self.index.entries().len() + 1, "{:?}", machine.names());
    }
}

fn store_path(directory: &Path, number: usize, size: usize) -> PathToPack {
    let location = directory.join(format!("source-{number}"));
    fs::create_dir_all(location.join("share")).unwrap();
    fs::write(location.join("init"), contents(number as u64 + 1, size)).unwrap();
    fs::write(location.join("share/name"), format!("path {number}\n")).unwrap();
    std::os::unix::fs::symlink("../init", location.join("share/link")).unwrap();
    let mut archive = Vec::new();
    dump(&location, &mut archive).unwrap();
    // Base 32 of Nix has these digits and others.
    let digest = format!("{number:032}");
    PathToPack {
        location,
        path: StorePath::from_base_name(&format!("{digest}-path-{number}")).unwrap(),
        nar_hash: sha256(&archive),
        nar_size: archive.len() as u64,
        deriver: None,
        references: Vec::new(),
    }
}

/// A machine: its directories and files, and the arguments of the program.
pub(crate) struct Machine {
    directory: TempDir,
    pub(crate) arguments: Vec<String>,
}

/// The result of the program.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) printed: String,
    pub(crate) lines: Vec<ConsoleLine>,
}

impl Machine {
    /// A machine with a kernel command line and with enough memory. A server on a busy machine
    /// answers within its patience.
    pub(crate) fn new(command_line: &str) -> Self {
        let machine = Self { directory: TempDir::new().unwrap(), arguments: Vec::new() };
        fs::write(machine.path("cmdline"), format!("{command_line}\n")).unwrap();
        machine.set_memory(8 << 30);
        machine.with(&["--delay", "0", "--patience", "60"])
    }

    /// Makes the machine give up soon, for a server that never does what it should.
    pub(crate) fn impatient(self) -> Self {
        self.with(&["--patience", "5"])
    }

    /// Adds arguments for the program. The last one of a name counts.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Adds text to the kernel command line.
    pub(crate) fn add_parameter(&self, parameter: &str) {
        let file = self.path("cmdline");
        let line = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("{} {parameter}\n", line.trim_end())).unwrap();
    }

    /// Sets the memory that is available, in bytes.
    pub(crate) fn set_memory(&self, bytes: u64) {
        let text = format!("MemTotal: 1 kB\nMemFree: 1 kB\nMemAvailable: {:8} kB\n", bytes / 1024);
        fs::write(self.path("meminfo"), text).unwrap();
    }

    /// Adds a network interface.
    pub(crate) fn add_interface(&self, name: &str, address: &str) {
        let interface = self.path("net").join(name);
        fs::create_dir_all(interface.join("device")).unwrap();
        fs::write(interface.join("address"), format!("{address}\n")).unwrap();
    }

    /// The directory of the store.
    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// The names in the directory of the store.
    pub(crate) fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.store()) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg("--into").arg(self.store());
        command.arg("--command-line").arg(self.path("cmdline"));
        command.arg("--memory").arg(self.path("meminfo"));
        command.arg("--interfaces").arg(self.path("net"));
        command.args(&self.arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the program.
    pub(crate) fn start(&self) -> Child {
        self.command(env!("CARGO_BIN_EXE_netboot-stage1").as_ref()).spawn().unwrap()
    }

    /// Runs the program to its end.
    pub(crate) fn boot(&self) -> Outcome {
        Outcome::of(self.start().wait_with_output().unwrap())
    }

    /// Runs the library with all the time that the last reports need.
    pub(crate) fn run(&self) -> Outcome {
        let mut settings = Settings::new(self.store());
        settings.command_line = self.path("cmdline");
        settings.memory = self.path("meminfo");
        settings.interfaces = self.path("net");
        settings.report_wait = PATIENCE;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let told = lines.clone();
        let result = netboot_stage1::run(
            &settings,
            Arc::new(move |line: &ConsoleLine| told.lock().unwrap().push(line.clone())),
        );
        let lines = lines.lock().unwrap().clone();
        let printed = lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
        Outcome { status: Some(i32::from(result.is_err())), printed, lines }
    }

    /// Runs another build of the program, and returns the most memory that it took in bytes. The
    /// kernel command line must name a service for reports that never answers: the process waits
    /// for it at its end.
    pub(crate) fn peak_memory(&self, program: &Path) -> u64 {
        let mut process = self.command(program).spawn().unwrap();
        let mut printed = BufReader::new(process.stdout.take().unwrap()).lines();
        let is_last = |line: Option<ConsoleLine>| match line {
            Some(ConsoleLine::Failed { failure }) => panic!("{failure}"),
            line => matches!(line, Some(ConsoleLine::Finished { .. })),
        };
        assert!(printed.any(|line| is_last(ConsoleLine::parse(&line.unwrap()))));
        let kibibytes = peak_memory(process.id());
        process.kill().unwrap();
        process.wait().unwrap();
        kibibytes * 1024
    }
}

impl Outcome {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let printed = text(output.stdout) + &text(output.stderr);
        let lines = printed.lines().filter_map(ConsoleLine::parse).collect();
        Self { status: output.status.code(), printed, lines }
    }

    /// Checks that the boot went on, and returns its summary.
    pub(crate) fn summary(&self) -> StoreSummary {
        assert_eq!(self.status, Some(0), "{}", self.printed);
        // A report may fail a moment later.
        let summary = self.lines.iter().find_map(|line| match line {
            ConsoleLine::Finished { summary } => Some(*summary),
            _ => None,
        });
        summary.unwrap_or_else(|| panic!("{}", self.printed))
    }

    /// Checks that the boot failed, and returns the last word.
    pub(crate) fn failure(&self) -> Failure {
        assert_eq!(self.status, Some(1), "{}", self.printed);
        match self.lines.last() {
            Some(ConsoleLine::Failed { failure }) => failure.clone(),
            _ => panic!("{}", self.printed),
        }
    }

    /// Checks that a file could not be fetched, and returns the number of tries and the problem.
    pub(crate) fn fetch_failure(&self) -> (u32, FetchProblem) {
        match self.failure().cause {
            FailureCause::FetchFailed { tries, problem, .. } => (tries, problem),
            cause => panic!("{cause:?}"),
        }
    }
}
