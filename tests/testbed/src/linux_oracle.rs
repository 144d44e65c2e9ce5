//! Boots real Linux with an initrd and reports how it went.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::direct_machine;
use crate::{Error, Testbed};

/// The time that a boot may take. It takes four seconds on an idle machine, and ends by itself.
const PATIENCE: Duration = Duration::from_secs(300);

/// The options of QEMU. zstd with a window of 128 MiB needs more than twice that much memory.
///
/// Linux prints emergencies and panics, and ends the machine after a panic. The part of the kernel
/// that unpacks the rest prints to the early console. A damaged initrd may lead Linux beyond its
/// end, which is a panic with `oops=panic`. Without `no_timer_check`, a slow machine panics.
const OPTIONS: [&str; 4] = [
    "-m",
    "1024",
    "-append",
    "console=ttyS0 earlyprintk=ttyS0,115200 loglevel=2 oops=panic panic=-1 mitigations=off \
     no_timer_check",
];

/// The words with which the kernel ends that cannot unpack itself.
const HALTED: &str = "-- System halted";

/// Linux for `x86_64` in a machine without disk or network.
///
/// ```no_run
/// use netboot_testbed::LinuxOracle;
///
/// let run = LinuxOracle::debian().boot("initrd".as_ref());
/// assert_eq!(run.unwrap().complaint, None);
/// ```
#[derive(Debug, Clone)]
pub struct LinuxOracle {
    kernel: PathBuf,
}

/// The observed behavior of Linux, up to the end of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinuxRun {
    /// The reason for which Linux did not unpack the whole initrd.
    pub complaint: Option<String>,
    /// The reason for which Linux gave up: that of a panic, or of a halt before Linux ran.
    pub panic: Option<String>,
    /// The lines on the console, without those of the firmware.
    pub lines: Vec<String>,
}

impl LinuxOracle {
    /// The kernel of the test bed.
    ///
    /// # Panics
    /// If it is missing.
    pub fn debian() -> Self {
        Self::of(Testbed::locate().kernel())
    }

    /// Another kernel.
    pub fn of(kernel: &Path) -> Self {
        Self { kernel: kernel.to_owned() }
    }

    /// Boots with the initrd at this path, until the initrd's `/init` restarts the machine, or
    /// until Linux panics. `None` if neither happens in time.
    ///
    /// # Panics
    /// If the machine cannot be started.
    pub fn boot(&self, initrd: &Path) -> Option<LinuxRun> {
        let printed = self.console(initrd);
        #[expect(clippy::panic, reason = "a test without its machine has failed")]
        let printed = printed
            .unwrap_or_else(|error| panic!("Linux cannot be started: {error}: {:?}", error.hint()));
        printed.map(|printed| run(&String::from_utf8_lossy(&printed)))
    }

    fn console(&self, initrd: &Path) -> Result<Option<Vec<u8>>, Error> {
        let mut machine = direct_machine::start(&self.kernel, initrd, &OPTIONS)?;
        let deadline = Instant::now() + PATIENCE;
        let halted = machine.read_until(HALTED.as_bytes(), deadline);
        // A machine that ended before its time is not one that hangs.
        Ok(halted.or_else(|| (Instant::now() < deadline).then(|| machine.printed().into_bytes())))
    }
}

fn run(printed: &str) -> LinuxRun {
    // The firmware ends with a code that clears the screen.
    let printed = printed.rsplit_once("\x1b[2J").map_or(printed, |(_, linux)| linux);
    let lines: Vec<String> = printed.lines().map(|line| line.trim_end().to_owned()).collect();
    let after = |mark: &str| {
        let mut told = lines.iter().filter_map(|line| Some(line.split_once(mark)?.1.to_owned()));
        told.next()
    };
    let before_halt = || {
        let halted = lines.iter().position(|line| line.contains(HALTED))?;
        lines[..halted].iter().rfind(|line| !line.is_empty()).cloned()
    };
    LinuxRun {
        complaint: after("Initramfs unpacking failed: "),
        panic: after("Kernel panic - not syncing: ").or_else(before_halt),
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_halt_is_read_from_the_console() {
        let run = run("\x1b[2JDecompressing Linux... \r\n\r\nXZ data is corrupt\r\n\r\n\r\n \
                       -- System halted");
        assert_eq!(run.panic.as_deref(), Some("XZ data is corrupt"));
    }

    #[test]
    fn the_reason_of_a_panic_is_read_from_the_console() {
        let run = run("SeaBIOS\r\n\x1b[2J[    1.5] Initramfs unpacking failed: junk\r\n\
                       [    2.0] Kernel panic - not syncing: VFS: no root\r\n");
        assert_eq!(run.complaint.as_deref(), Some("junk"));
        assert_eq!(run.panic.as_deref(), Some("VFS: no root"));
        assert_eq!(run.lines.len(), 2);
    }
}
