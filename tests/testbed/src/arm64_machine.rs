//! A 64-bit ARM machine whose UEFI firmware boots from a network, and then from a disk.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::qemu_process::QemuProcess;
use crate::{Error, debian_packages, tool};

/// The packages of the program and of the firmware. Few tests need them, and the firmware takes
/// 271 MB, so that the set-up does not install them.
const PACKAGES: [&str; 2] = ["qemu-system-arm", "qemu-efi-aarch64"];

/// The code of the firmware, and its variables of a new machine.
const CODE: &str = "/usr/share/AAVMF/AAVMF_CODE.fd";
const VARIABLES: &str = "/usr/share/AAVMF/AAVMF_VARS.fd";

/// A machine with Debian's UEFI firmware for 64-bit ARM. It boots from its network card first, and
/// from its disk next. Its console is the serial port.
///
/// Dropping it ends the machine.
///
/// ```no_run
/// use std::path::Path;
/// use std::time::Duration;
/// use netboot_testbed::Arm64Machine;
///
/// let wire = [Path::new("machine"), Path::new("wire")];
/// let mut machine = Arm64Machine::start("52:54:00:00:00:01", wire, Path::new("disk"));
/// let console = machine.console_until(&["login:"], Duration::from_secs(300));
/// ```
#[derive(Debug)]
pub struct Arm64Machine {
    process: QemuProcess,
    /// Contains the firmware's variables.
    _directory: TempDir,
}

impl Arm64Machine {
    /// Starts a machine with this MAC address. `wire` has the paths of two Unix datagram sockets,
    /// QEMU's own and that of the network, on which each datagram is an Ethernet frame. The
    /// firmware sees the directory `disk` as a disk.
    ///
    /// # Panics
    /// If packages are missing, with the command that installs them, or if the machine cannot be
    /// started.
    pub fn start(mac: &str, wire: [&Path; 2], disk: &Path) -> Self {
        #[expect(clippy::panic, reason = "a test without its machine has failed")]
        Self::try_start(mac, wire, disk).unwrap_or_else(|error| {
            panic!("no 64-bit ARM machine starts: {error}: {}", error.hint().unwrap_or_default())
        })
    }

    fn try_start(mac: &str, wire: [&Path; 2], disk: &Path) -> Result<Self, Error> {
        let packages = debian_packages::missing(&PACKAGES)?;
        if !packages.is_empty() {
            return Err(Error::MissingPackages { packages });
        }
        let directory = tempfile::tempdir()
            .map_err(|source| Error::io("create a folder in", &std::env::temp_dir(), source))?;
        let variables = directory.path().join("variables");
        fs::copy(VARIABLES, &variables)
            .map_err(|source| Error::io("copy", Path::new(VARIABLES), source))?;
        let [local, remote] = wire.map(Path::display);
        let options = [
            ["-machine", "virt"].map(str::to_owned),
            ["-cpu", "cortex-a57"].map(str::to_owned),
            ["-m", "512"].map(str::to_owned),
            // The firmware waits for entropy without it.
            ["-device", "virtio-rng-pci"].map(str::to_owned),
            drive(&format!("if=pflash,unit=0,readonly=on,file={CODE}")),
            drive(&format!("if=pflash,unit=1,file={}", variables.display())),
            drive(&format!("if=none,id=disk,readonly=on,file=fat:{}", disk.display())),
            ["-device", "virtio-blk-pci,drive=disk,bootindex=1"].map(str::to_owned),
            [
                "-netdev".to_owned(),
                format!(
                    "dgram,id=wire,local.type=unix,local.path={local},remote.type=unix,\
                     remote.path={remote}"
                ),
            ],
            [
                "-device".to_owned(),
                format!("virtio-net-pci,netdev=wire,mac={mac},romfile=,bootindex=0"),
            ],
        ];
        let arguments = options.into_iter().flatten().map(OsString::from);
        let process = QemuProcess::start(&tool("qemu-system-aarch64"), arguments)?;
        Ok(Self { process, _directory: directory })
    }

    /// Reads the console up to the first line that contains one of these texts, and returns what
    /// it read. The last line contains none of them if none came in time, or if the machine ended.
    pub fn console_until(&mut self, texts: &[&str], patience: Duration) -> String {
        let deadline = Instant::now() + patience;
        let mut console = String::new();
        while let Some(line) = self.process.read_until(b"\n", deadline) {
            let line = String::from_utf8_lossy(&line);
            console.push_str(&line);
            if texts.iter().any(|text| line.contains(text)) {
                return console;
            }
        }
        console + &self.process.printed()
    }
}

fn drive(description: &str) -> [String; 2] {
    ["-drive".to_owned(), format!("format=raw,{description}")]
}
