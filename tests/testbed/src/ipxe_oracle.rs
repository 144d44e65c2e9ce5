//! Runs scripts in real iPXE and reports what it does.

mod console;
mod server;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::server::Files;
use self::server::{SCRIPT, Server, TURN};
use crate::direct_machine;
use crate::qemu_process::QemuProcess;
use crate::{DebianTree, Error, PATIENCE};

/// The options of QEMU: little memory, and a network card.
const OPTIONS: [&str; 6] =
    ["-m", "256", "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,romfile="];

/// A build of iPXE in a running machine. A script takes a tenth of a second.
///
/// If a script hangs iPXE, the machine starts again by itself. All scripts run in the same iPXE, so
/// the next one sees the settings of the one before, unless they are [forgotten](Case::forget).
///
/// ```no_run
/// use std::sync::Arc;
/// use netboot_testbed::{IpxeOracle, OracleCase};
///
/// let mut oracle = IpxeOracle::bookworm();
/// let files = Arc::new(|_: &[u8]| Some(b"kernel".to_vec()));
/// let observed = oracle.run(&OracleCase::new(b"#!ipxe\nkernel a b  c\n", files));
/// assert_eq!(observed.requests, [b"/t/a"]);
/// assert_eq!(observed.images[0], b"a : 6 bytes [PXE-NBP] [SELECTED] \"b c\"");
/// ```
pub struct IpxeOracle {
    kernel: PathBuf,
    server: Server,
    directory: tempfile::TempDir,
    machine: Option<QemuProcess>,
    starts: usize,
    number: usize,
}

/// A script to run.
#[derive(Clone)]
pub struct Case<'a> {
    /// The script.
    pub script: &'a [u8],
    /// The files that it can fetch. Its own target, [`IpxeOracle::SCRIPT`], has the script.
    pub files: Files,
    /// Names of settings that are cleared before the script runs.
    pub forget: Vec<String>,
    /// The time in which the script must end.
    pub patience: Duration,
}

impl<'a> Case<'a> {
    /// A script that ends.
    pub fn new(script: &'a [u8], files: Files) -> Self {
        Self { script, files, forget: Vec::new(), patience: PATIENCE }
    }
}

impl fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("script", &String::from_utf8_lossy(self.script))
            .field("forget", &self.forget)
            .finish_non_exhaustive()
    }
}

/// The observed behavior of iPXE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The requested targets, in order.
    pub requests: Vec<Vec<u8>>,
    /// True if the script succeeded; `None` if it did not end in time.
    pub success: Option<bool>,
    /// The lines that iPXE printed while the script ran.
    pub lines: Vec<Vec<u8>>,
    /// The lines that `imgstat` prints afterwards.
    pub images: Vec<Vec<u8>>,
}

impl IpxeOracle {
    /// The target of the script under test, on the server `10.0.2.2`.
    pub const SCRIPT: &'static str = SCRIPT;

    /// The BIOS build of Debian 12, of 2019.
    ///
    /// # Panics
    /// If it is not installed.
    pub fn bookworm() -> Self {
        Self::of(Path::new("/usr/lib/ipxe/ipxe.lkrn"))
    }

    /// The BIOS build of Debian 13, 1.21.
    ///
    /// # Panics
    /// If its tree is missing.
    pub fn trixie() -> Self {
        Self::of(&DebianTree::TRIXIE_IPXE.path("usr/lib/ipxe/ipxe.lkrn"))
    }

    /// The BIOS build of Debian's unstable suite, 2.0.
    ///
    /// # Panics
    /// If its tree is missing.
    pub fn sid() -> Self {
        Self::of(&DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe.lkrn"))
    }

    /// # Panics
    /// If the kernel is missing, or the server does not start.
    fn of(kernel: &Path) -> Self {
        let place = kernel.display();
        assert!(kernel.is_file(), "{place} is missing: run `cargo xtask setup`");
        #[expect(clippy::expect_used, reason = "a test that has no server or folder has failed")]
        let (server, directory) = (
            Server::start().expect("a server for iPXE starts"),
            tempfile::tempdir().expect("a folder for iPXE's script can be made"),
        );
        let kernel = kernel.to_owned();
        Self { kernel, server, directory, machine: None, starts: 0, number: 0 }
    }

    /// The URI that the script under test comes from.
    pub fn location(&self) -> String {
        format!("{}{SCRIPT}", self.base())
    }

    /// The server as iPXE sees it, without a slash at its end.
    pub fn base(&self) -> String {
        format!("http://10.0.2.2:{}", self.server.port())
    }

    /// The number of times that iPXE was started.
    pub fn starts(&self) -> usize {
        self.starts
    }

    /// Ends iPXE, so that the next script finds it as it starts.
    pub fn restart(&mut self) {
        self.machine = None;
    }

    /// Runs a script.
    ///
    /// # Panics
    /// If iPXE cannot be started.
    pub fn run(&mut self, case: &Case<'_>) -> Observation {
        self.number += 1;
        let number = self.number;
        let mut machine = self.machine.take().unwrap_or_else(|| self.start());
        let files = Arc::clone(&case.files);
        self.server.give(self.wrapper(number, &case.forget), case.script, files);
        let deadline = Instant::now() + case.patience;
        let end = format!("\n@@{number} end\r\n");
        let printed = machine.read_until(end.as_bytes(), deadline);
        let mut requests = self.server.requests();
        // The wrapper's own.
        if !requests.is_empty() {
            requests.remove(0);
        }
        let hung = printed.is_none();
        let printed = printed.unwrap_or_else(|| machine.printed().into_bytes());
        if !hung {
            self.machine = Some(machine);
        }
        observation(number, requests, &console::lines(&printed))
    }

    /// A script that runs the script under test and tells how it went.
    fn wrapper(&self, number: usize, forget: &[String]) -> String {
        let clear =
            forget.iter().fold(String::new(), |text, name| text + "clear " + name + " ||\n");
        let location = self.location();
        format!(
            "#!ipxe\n{clear}echo\necho @@{number} begin\n\
             chain --autofree --name @@{number} {location} && goto succeeded ||\n\
             echo\necho @@{number} failed\ngoto images\n\
             :succeeded\necho\necho @@{number} succeeded\n\
             :images\nimgstat\necho @@{number} end\nimgfree\n"
        )
    }

    fn start(&mut self) -> QemuProcess {
        let started = self.try_start();
        #[expect(clippy::panic, reason = "a test without its iPXE has failed")]
        match started {
            Ok(machine) => machine,
            Err(error) => panic!("iPXE cannot be started: {error}: {:?}", error.hint()),
        }
    }

    fn try_start(&mut self) -> Result<QemuProcess, Error> {
        self.starts += 1;
        self.server.expect_machine();
        let script = self.directory.path().join("loop.ipxe");
        let text = format!(
            "#!ipxe\nifopen net0\nset net0/ip 10.0.2.15\nset net0/netmask 255.255.255.0\n\
             set net0/gateway 10.0.2.2\necho\necho @@ready\n\
             :loop\nchain --autofree {}{TURN} ||\ngoto loop\n",
            self.base()
        );
        std::fs::write(&script, text).map_err(|source| Error::io("write", &script, source))?;
        let mut machine = direct_machine::start(&self.kernel, &script, &OPTIONS)?;
        match machine.read_until(b"\n@@ready\r\n", Instant::now() + PATIENCE) {
            Some(_) => Ok(machine),
            None => Err(Error::SilentMachine { console: machine.printed() }),
        }
    }
}

impl fmt::Debug for IpxeOracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IpxeOracle").field("kernel", &self.kernel).finish_non_exhaustive()
    }
}

fn observation(number: usize, requests: Vec<Vec<u8>>, lines: &[Vec<u8>]) -> Observation {
    let mark = |word: &str| format!("@@{number} {word}").into_bytes();
    let position = |word: &str| lines.iter().position(|line| *line == mark(word));
    let begin = position("begin").map_or(0, |begin| begin + 1);
    let (success, told) = match (position("succeeded"), position("failed")) {
        (Some(told), _) => (Some(true), told),
        (None, Some(told)) => (Some(false), told),
        (None, None) => (None, lines.len()),
    };
    let end = position("end");
    let success = success.filter(|_| end.is_some());
    let images = lines.get(told + 1..end.unwrap_or(0)).unwrap_or_default().to_vec();
    Observation {
        requests,
        success,
        lines: lines.get(begin..told).unwrap_or_default().to_vec(),
        images,
    }
}
