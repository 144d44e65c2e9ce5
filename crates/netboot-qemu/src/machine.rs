//! A virtual machine that boots from the network.

mod boot_source;
pub(crate) mod builder;
mod command_line;
mod process;
mod run;

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use netboot_core::{Context, Event, MacAddress, Phase};
use tempfile::TempDir;
use url::Url;

pub use self::boot_source::NetworkLink;
use self::boot_source::{BootSource, write};
use self::command_line::CommandLine;
use crate::accelerator::Accelerator;
use crate::boot_outcome::BootOutcome;
use crate::boot_report::BootReport;
use crate::error::Error;
use crate::expectations::Expectations;
use crate::firmware::Firmware;
use crate::guest_url::GuestUrl;
use crate::system_identity::SystemIdentity;
use crate::uefi_files::UefiFiles;

/// The machine's own copy of the firmware's variables.
const VARIABLES: &str = "variables.fd";

/// How often a boot is begun again when the emulation failed, and not the image.
const EMULATOR_RETRIES: usize = 2;

/// A virtual machine with one network card, a serial console and no disk.
///
/// It can be booted any number of times, at once too; each boot is a QEMU of its own.
#[derive(Debug, Clone)]
pub struct Machine {
    name: String,
    firmware: Firmware,
    memory_mib: u32,
    cpus: u32,
    mac: Option<MacAddress>,
    identity: SystemIdentity,
    ipxe: Option<PathBuf>,
    accelerator: Accelerator,
    timeout: Duration,
    program: PathBuf,
    firmware_code: Option<PathBuf>,
    firmware_variables: Option<PathBuf>,
    expectations: Expectations,
}

impl Machine {
    /// Boots the iPXE script at `url` and watches the console until everything that is expected
    /// was seen, the boot has failed, the machine has stopped, or the time is over. QEMU has
    /// ended when this returns. Dropping the future ends it too, and so does the end of this
    /// process, even by a signal: a `sh` of the `PATH` waits beside it for that.
    ///
    /// The URL is fetched by the network card's own iPXE, as DHCP's boot file name. A host of
    /// `127.0.0.1` or `localhost` means this machine: the guest finds it at `10.0.2.2`. The
    /// guest's network is QEMU's user-mode network: nothing can connect to the guest, and the
    /// guest reaches what this process could reach, the services on this machine's loopback
    /// included.
    ///
    /// Console lines are reported as [`Event::Log`](netboot_core::Event::Log) of the origin
    /// `console`, within the phase [`Booting`](Phase::Booting).
    ///
    /// A boot that fails is a report, not an error; see [`BootReport::ensure_success`].
    ///
    /// Under TCG on a busy machine, Linux can find its timer too slow and panic before it has done
    /// anything (`check_timer` in its `arch/x86/kernel/apic/io_apic.c`). That says nothing of the
    /// image: such a boot is reported as a warning and begun again, up to twice, each time with the
    /// whole timeout.
    ///
    /// # Errors
    /// [`Error::UnusableUrl`], [`Error::QemuMissing`], [`Error::FirmwareMissing`],
    /// [`Error::Spawn`], [`Error::QemuFailed`], [`Error::Console`], [`Error::Io`],
    /// [`Error::Cancelled`].
    pub async fn boot(&self, url: &Url, context: &Context) -> Result<BootReport, Error> {
        let guest_url = GuestUrl::new(url).map_err(|problem| Error::unusable_url(url, problem))?;
        self.boot_again_if_emulation_failed(&Origin::Url(guest_url), context).await
    }

    /// Boots whatever the DHCP server of `link` names, as a machine in a rack does, and watches
    /// the console as [`boot`](Self::boot) does. Under UEFI the firmware's own PXE asks, under
    /// BIOS the network card's iPXE, the only one that there is for it.
    ///
    /// # Errors
    /// As [`boot`](Self::boot), but for [`Error::UnusableUrl`].
    pub async fn boot_by_dhcp(
        &self,
        link: &NetworkLink,
        context: &Context,
    ) -> Result<BootReport, Error> {
        self.boot_again_if_emulation_failed(&Origin::Link(link), context).await
    }

    async fn boot_again_if_emulation_failed(
        &self,
        origin: &Origin<'_>,
        context: &Context,
    ) -> Result<BootReport, Error> {
        let mut report = self.boot_once(origin, context).await?;
        for _ in 0..EMULATOR_RETRIES {
            if !is_emulator_fault(&report) {
                break;
            }
            context.emit(Event::Warning {
                profile: None,
                message: "the emulated timer was too slow for the kernel; booting again".to_owned(),
                hint: Some("let less run beside it, or use a machine with KVM".to_owned()),
            });
            report = self.boot_once(origin, context).await?;
        }
        Ok(report)
    }

    async fn boot_once(&self, origin: &Origin<'_>, context: &Context) -> Result<BootReport, Error> {
        if context.cancellation().is_cancelled() {
            return Err(Error::Cancelled);
        }
        let program = process::locate(&self.program)?;
        let _phase = context.phase(Phase::Booting, None);
        let accelerator = tokio::select! {
            accelerator = self.accelerator.resolve(&program) => accelerator,
            () = context.cancellation().cancelled() => return Err(Error::Cancelled),
        };
        // Both live until QEMU has ended.
        let scratch = TempDir::with_prefix("netboot-qemu-").map_err(|source| Error::Io {
            action: "make a directory in",
            path: std::env::temp_dir(),
            source,
        })?;
        let uefi = match self.firmware {
            Firmware::Bios => None,
            Firmware::Uefi => Some(self.uefi_files(&program, &scratch).await?),
        };
        let (source, hidden_script) = match origin {
            Origin::Url(url) => match &self.ipxe {
                Some(ipxe) => BootSource::by_ipxe(ipxe, self.firmware, url, &scratch).await?,
                None => BootSource::by_dhcp(url, &scratch).await?,
            },
            Origin::Link(link) => (BootSource::Dhcp((*link).clone()), None),
        };
        let command_line = CommandLine {
            name: &self.name,
            memory_mib: self.memory_mib,
            cpus: self.cpus,
            mac: self.mac,
            identity: &self.identity,
            accelerator,
            uefi: uefi.as_ref(),
            source: &source,
        };
        let arguments = command_line.arguments();
        let started = Instant::now();
        let qemu = process::Qemu::start(&program, arguments)?;
        let run = run::Run {
            url: &origin.to_string(),
            hidden_script,
            firmware: self.firmware,
            accelerator,
            timeout: self.timeout,
            expectations: self.expectations.clone(),
        };
        run.watch(qemu, started, context).await
    }

    /// The firmware's code, and a copy of its variables, which it writes to.
    async fn uefi_files(
        &self,
        program: &std::path::Path,
        scratch: &TempDir,
    ) -> Result<UefiFiles, Error> {
        let (code, variables) = (self.firmware_code.as_deref(), self.firmware_variables.as_deref());
        let files = UefiFiles::locate(code, variables, program)?;
        let copy = scratch.path().join(VARIABLES);
        let content = tokio::fs::read(&files.variables).await.map_err(|source| Error::Io {
            action: "read",
            path: files.variables.clone(),
            source,
        })?;
        write(&copy, &content).await?;
        Ok(UefiFiles { code: files.code, variables: copy })
    }
}

/// What a machine is to boot.
enum Origin<'a> {
    Url(GuestUrl),
    Link(&'a NetworkLink),
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url.as_str()),
            Self::Link(link) => write!(f, "dhcp:{link}"),
        }
    }
}

/// Whether a kernel panicked of the emulation, and not of the image.
fn is_emulator_fault(report: &BootReport) -> bool {
    let panicked_of_timer = matches!(
        &report.outcome,
        BootOutcome::Panicked { line } if line.contains("IO-APIC + timer doesn't work")
    );
    report.accelerator == Accelerator::Tcg && panicked_of_timer
}
