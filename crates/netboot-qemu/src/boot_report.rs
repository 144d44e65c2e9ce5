//! The report of a boot.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use foreign_text::ForeignText;
use netboot_closure::console::StoreStatus;
use netboot_core::Architecture;
use netboot_process::LastLines;
use serde::{Serialize, Serializer};

use crate::accelerator::Accelerator;
use crate::boot_cause;
use crate::boot_failure::BootFailure;
use crate::boot_outcome::BootOutcome;
use crate::boot_stage::BootStage;
use crate::error::Error;
use crate::fetch::{Fetch, FetchOutcome};
use crate::firmware::Firmware;
use crate::refusal::Refusal;

/// The stages that a machine reached, with their times, and the text of its console.
///
/// In the serialised form, times are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BootReport {
    /// The URL of the boot as the guest saw it, or `dhcp:` and the network if a DHCP server named
    /// the URL.
    pub url: String,
    /// The architecture of the machine.
    pub architecture: Architecture,
    /// The firmware of the machine.
    pub firmware: Firmware,
    /// The accelerator that executed the guest's instructions. It is never [`Accelerator::Auto`].
    pub accelerator: Accelerator,
    /// The outcome of the boot.
    pub outcome: BootOutcome,
    /// The last stage that the machine reached.
    pub reached: BootStage,
    /// The time from the start of QEMU to the first sign of each stage.
    #[serde(serialize_with = "stages_in_seconds")]
    pub stages: BTreeMap<BootStage, Duration>,
    /// The duration of the boot.
    #[serde(serialize_with = "in_seconds")]
    pub duration: Duration,
    /// The expected texts that the console did not show, in the caller's order.
    pub missing: Vec<String>,
    /// The files that iPXE and the firmware's own boot by HTTP fetched, in order. There are at most
    /// 100: the first 99 and the last one.
    pub fetched: Vec<Fetch>,
    /// The refusals to run what no trusted key signed, in order. There are at most 100.
    pub refusals: Vec<Refusal>,
    /// True if Linux said that it is locked down because the firmware has Secure Boot on. Linux
    /// then accepts only signed modules, and only signed kernels for kexec.
    ///
    /// False does not mean that Secure Boot is off. Only kernels with a patch of distributions such
    /// as Debian and Fedora lock themselves down, which NixOS's do not have, and they say so only
    /// with a `loglevel` of 6 or more.
    pub locked_down: bool,
    /// The messages of stage 1 about the store of the closure, if there are any.
    pub store: Option<StoreStatus>,
    /// QEMU and its arguments.
    pub command_line: Vec<String>,
    /// The last 8 MiB of the text on the serial console. Escape sequences are removed, and lines
    /// that `SeaBIOS` wrapped are joined.
    pub console: String,
}

impl BootReport {
    /// Returns an error unless the boot succeeded.
    ///
    /// # Errors
    /// [`Error::BootFailed`] with the stage, the last lines of the console, and a hint.
    pub fn ensure_success(&self) -> Result<(), Error> {
        if self.outcome == BootOutcome::Succeeded {
            return Ok(());
        }
        let lines = self.lines();
        let stopped = matches!(
            self.outcome,
            BootOutcome::SystemFailed { .. }
                | BootOutcome::Panicked { .. }
                | BootOutcome::MachineStopped
                | BootOutcome::TimedOut
        );
        let failure = BootFailure {
            url: self.url.clone(),
            architecture: self.architecture,
            firmware: self.firmware,
            outcome: self.outcome.clone(),
            reached: self.reached,
            missing: self.missing.clone(),
            failed_fetch: self.failed_fetch().cloned(),
            cause: boot_cause::find(&lines, stopped).map(ForeignText::from),
            refusals: self.refusals.clone(),
            store: self.store.clone().map(Box::new),
            boots_by_rom: self.boots_by_rom(),
            last_lines: lines.into_iter().collect::<LastLines>().into(),
        };
        Err(Error::BootFailed { failure: Box::new(failure) })
    }

    /// Returns true if the network card's iPXE boots the machine.
    fn boots_by_rom(&self) -> bool {
        let without = |argument: &String| argument.contains(",romfile=,netdev=");
        !self.command_line.iter().any(without)
    }

    /// Returns the last fetch if it did not succeed.
    fn failed_fetch(&self) -> Option<&Fetch> {
        let last = self.fetched.last().filter(|fetch| fetch.outcome != FetchOutcome::Complete);
        last.filter(|_| self.reached < BootStage::KernelStarted)
    }

    /// Returns the lines of the console that are not empty. If a line decided the outcome, it is
    /// the last one here, because the registers that a panic prints would hide the lines before it.
    fn lines(&self) -> Vec<&str> {
        let mut lines: Vec<&str> =
            self.console.lines().filter(|line| !line.trim().is_empty()).collect();
        let decisive = match &self.outcome {
            BootOutcome::Panicked { line }
            | BootOutcome::FailureSeen { line }
            | BootOutcome::SystemFailed { line }
            | BootOutcome::StoreFailed { line }
            | BootOutcome::FirmwareGaveUp { line } => lines.iter().rposition(|last| last == line),
            _ => None,
        };
        lines.truncate(decisive.map_or(lines.len(), |position| position + 1));
        lines
    }
}

/// Writes the outcome, then a line for each stage.
impl fmt::Display for BootReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { architecture, firmware, accelerator, outcome, .. } = self;
        let seconds = self.duration.as_secs_f64();
        write!(f, "{outcome} ({architecture}, {firmware}, {accelerator}, {seconds:.1} s)")?;
        for (stage, time) in &self.stages {
            write!(f, "\n  {stage:<15} {:>6.1} s", time.as_secs_f64())?;
        }
        if self.locked_down {
            f.write_str("\n  locked down by Secure Boot")?;
        }
        for refusal in &self.refusals {
            write!(f, "\n  {refusal}")?;
        }
        if let Some(store) = &self.store {
            write!(f, "\n  store: {}; retries {}", store.progress, store.retries)?;
            for mirror in &store.mirrors {
                write!(f, "\n  mirror: {mirror}")?;
            }
        }
        for marker in &self.missing {
            write!(f, "\n  not seen: {marker}")?;
        }
        Ok(())
    }
}

/// Returns the time in seconds, rounded down to milliseconds.
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
