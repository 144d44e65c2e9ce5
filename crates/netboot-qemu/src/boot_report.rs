//! What came of a boot.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use netboot_process::LastLines;
use serde::{Serialize, Serializer};

use crate::accelerator::Accelerator;
use crate::boot_failure::BootFailure;
use crate::boot_outcome::BootOutcome;
use crate::boot_stage::BootStage;
use crate::error::Error;
use crate::fetch::{Fetch, FetchOutcome};
use crate::firmware::Firmware;

/// How far a machine came, when, and what its console said.
///
/// Serialised, times are seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BootReport {
    /// The URL that was booted, as the guest saw it; `dhcp:` and the network where DHCP named it.
    pub url: String,
    /// The firmware that booted it.
    pub firmware: Firmware,
    /// What executed the guest's instructions: [`Accelerator::Auto`] is resolved.
    pub accelerator: Accelerator,
    /// How it ended.
    pub outcome: BootOutcome,
    /// The farthest stage.
    pub reached: BootStage,
    /// When each stage was first seen, since QEMU was started.
    #[serde(serialize_with = "stages_in_seconds")]
    pub stages: BTreeMap<BootStage, Duration>,
    /// How long it took until the end.
    #[serde(serialize_with = "in_seconds")]
    pub duration: Duration,
    /// The expected texts that were not seen, in the order in which the caller gave them.
    pub missing: Vec<String>,
    /// What iPXE fetched, in its order.
    pub fetched: Vec<Fetch>,
    /// QEMU and its arguments.
    pub command_line: Vec<String>,
    /// The text of the serial console: without escape sequences, lines that `SeaBIOS` wrapped
    /// joined again, only the last 8 MiB of it.
    pub console: String,
}

impl BootReport {
    /// Fails unless the boot succeeded.
    ///
    /// # Errors
    /// [`Error::BootFailed`] with the stage, the last lines of the console, and a hint.
    pub fn ensure_success(&self) -> Result<(), Error> {
        if self.outcome == BootOutcome::Succeeded {
            return Ok(());
        }
        let failure = BootFailure {
            url: self.url.clone(),
            firmware: self.firmware,
            outcome: self.outcome.clone(),
            reached: self.reached,
            missing: self.missing.clone(),
            failed_fetch: self.failed_fetch().cloned(),
            unpacking_failed: self.unpacking_failed(),
            last_lines: self.last_lines(),
        };
        Err(Error::BootFailed { failure: Box::new(failure) })
    }

    /// The last fetch, if it did not succeed.
    fn failed_fetch(&self) -> Option<&Fetch> {
        let last = self.fetched.last().filter(|fetch| fetch.outcome != FetchOutcome::Complete);
        last.filter(|_| self.reached < BootStage::KernelStarted)
    }

    /// The line with which the kernel gave up unpacking the initrd (Linux's `init/initramfs.c`).
    fn unpacking_failed(&self) -> Option<String> {
        let failed = |line: &&str| line.contains("Initramfs unpacking failed");
        self.console.lines().find(failed).map(str::to_owned)
    }

    /// The last lines of the console that say something. Where a line decided the boot it is the
    /// last: a panic's registers would hide what led to it.
    fn last_lines(&self) -> Vec<String> {
        let mut lines: Vec<&str> =
            self.console.lines().filter(|line| !line.trim().is_empty()).collect();
        let decisive = match &self.outcome {
            BootOutcome::Panicked { line }
            | BootOutcome::FailureSeen { line }
            | BootOutcome::FirmwareGaveUp { line } => lines.iter().rposition(|last| last == line),
            _ => None,
        };
        lines.truncate(decisive.map_or(lines.len(), |position| position + 1));
        lines.into_iter().collect::<LastLines>().into()
    }
}

/// The outcome, then a line for each stage.
impl fmt::Display for BootReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { firmware, accelerator, outcome, .. } = self;
        let seconds = self.duration.as_secs_f64();
        write!(f, "{outcome} ({firmware}, {accelerator}, {seconds:.1} s)")?;
        for (stage, time) in &self.stages {
            write!(f, "\n  {stage:<15} {:>6.1} s", time.as_secs_f64())?;
        }
        for marker in &self.missing {
            write!(f, "\n  not seen: {marker}")?;
        }
        Ok(())
    }
}

/// Whole milliseconds, as a number of seconds.
fn seconds(time: Duration) -> f64 {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

fn in_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(seconds(*time))
}

fn stages_in_seconds<S: Serializer>(
    stages: &BTreeMap<BootStage, Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(stages.iter().map(|(stage, time)| (stage, seconds(*time))))
}
