//! Virtual machines that boot from the network.

mod boot_source;
pub(crate) mod builder;
mod command_line;
mod firmware_flash;
mod forward;
mod http_boot;
mod process;
mod run;
mod tpm;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use netboot_core::{Context, Event, MacAddress, Phase};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use self::boot_source::BootSource;
pub use self::boot_source::NetworkLink;
use self::command_line::CommandLine;
use self::forward::Forward;
use self::tpm::Tpm;
use crate::accelerator::Accelerator;
use crate::boot_outcome::BootOutcome;
use crate::boot_report::BootReport;
use crate::boot_stage::BootStage;
use crate::error::Error;
use crate::expectations::Expectations;
use crate::firmware::Firmware;
use crate::firmware_keys::KeySource;
use crate::guest_url::GuestUrl;
use crate::network_access::NetworkAccess;
use crate::network_card::NetworkCard;
use crate::platform::Platform;
use crate::system_identity::SystemIdentity;
use crate::uefi_files::UefiFiles;

/// The maximum number of further attempts after the emulation caused a failure.
const EMULATOR_RETRIES: usize = 2;

/// A virtual machine with one network card and a serial console. It has no disk unless
/// [`MachineBuilder::disk`](crate::MachineBuilder::disk) adds one.
///
/// It can boot any number of times, also several times at once. Each boot runs a separate QEMU.
#[derive(Debug, Clone)]
pub struct Machine {
    name: String,
    platform: &'static Platform,
    /// `None` is the default of the platform.
    firmware: Option<Firmware>,
    memory_mib: u32,
    cpus: u32,
    network_access: NetworkAccess,
    network_card: Option<NetworkCard>,
    mac: Option<MacAddress>,
    disks: Vec<PathBuf>,
    boot_disk: Option<PathBuf>,
    identity: SystemIdentity,
    ipxe: Option<PathBuf>,
    accelerator: Accelerator,
    timeout: Duration,
    /// `None` is the program of the platform.
    program: Option<PathBuf>,
    firmware_code: Option<PathBuf>,
    firmware_variables: Option<PathBuf>,
    firmware_keys: Option<KeySource>,
    /// The program that emulates a TPM.
    tpm: Option<PathBuf>,
    expectations: Expectations,
}

impl Machine {
    /// Boots the iPXE script at `url`, and watches the console until the boot succeeds or fails,
    /// the machine stops, or the time is up. QEMU has ended when this returns. QEMU also ends when
    /// the future is dropped, or when this process ends, even by a signal: for that, a guard
    /// process (`sh` of the `PATH`) runs beside QEMU.
    ///
    /// The network card's own iPXE gets the URL as the boot file name from DHCP, and fetches it. If
    /// the machine has [another iPXE](crate::MachineBuilder::ipxe), its script names the URL.
    /// The hosts `127.0.0.1` and `localhost` mean this machine. The guest is in QEMU's user-mode
    /// network, and nothing can connect to it. It reaches the web server of the URL and nothing
    /// else, unless [`network_access`](crate::MachineBuilder::network_access) allows more.
    ///
    /// Each console line is emitted as an [`Event::Log`](netboot_core::Event::Log) with the origin
    /// `console`, within the phase [`Booting`](Phase::Booting).
    ///
    /// A failed boot returns a report, not an error. To turn it into an error, call
    /// [`BootReport::ensure_success`].
    ///
    /// Firmware with Secure Boot refuses the network card's iPXE, because no key signed it. There,
    /// set a signed one with [`ipxe`](crate::MachineBuilder::ipxe), or call
    /// [`boot_by_http`](Self::boot_by_http).
    ///
    /// Under TCG on a busy machine, Linux may panic at its start because its timer is too slow
    /// (`check_timer` in Linux's `arch/x86/kernel/apic/io_apic.c`). The image is not the cause, so
    /// Netboot emits a warning and boots again, up to twice, each time with the whole timeout.
    ///
    /// # Errors
    /// [`Error::UnusableUrl`], [`Error::UnknownHost`], [`Error::ForwarderMissing`],
    /// [`Error::QemuMissing`], [`Error::FirmwareMissing`], [`Error::IpxeMissing`],
    /// [`Error::TpmMissing`], [`Error::TpmFailed`],
    /// [`Error::UnusableVariables`], [`Error::SecureBootUnproven`], the errors of
    /// [`FirmwareKeys::read`](crate::FirmwareKeys::read), [`Error::InvalidSetting`] for
    /// the network card's iPXE under Secure Boot, and for that of a virtio card under UEFI,
    /// [`Error::Spawn`], [`Error::QemuFailed`], [`Error::Console`], [`Error::Io`],
    /// [`Error::Cancelled`].
    pub async fn boot(&self, url: &Url, context: &Context) -> Result<BootReport, Error> {
        let guest_url = GuestUrl::new(url, self.network_access)
            .map_err(|problem| Error::unusable_url(url, problem))?;
        if self.starts_only_programs() {
            return Err(Error::InvalidSetting {
                setting: "iPXE",
                value: "the network card's".to_owned(),
                problem: "give a signed one with `ipxe`, or boot an EFI program with \
                          `boot_by_http`, since Secure Boot refuses the network card's",
            });
        }
        let is_virtio = self.network_card == Some(NetworkCard::Virtio);
        if self.firmware() == Firmware::Uefi && is_virtio && self.ipxe()?.is_none() {
            return Err(Error::InvalidSetting {
                setting: "network card",
                value: NetworkCard::Virtio.to_string(),
                problem: "use another one under UEFI, which ignores the iPXE of virtio cards",
            });
        }
        self.boot_again_if_emulation_failed(&Origin::Url(guest_url), context).await
    }

    /// Boots what the DHCP server of `link` names, like a machine in a rack, and watches the
    /// console like [`boot`](Self::boot). Under UEFI, the firmware's own PXE sends the DHCP
    /// request. Under BIOS, the network card's iPXE sends it, because it is the card's only PXE.
    ///
    /// # Errors
    /// The errors of [`boot`](Self::boot) except [`Error::UnusableUrl`].
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
                hint: Some(
                    "run fewer programs at the same time, or use a machine with KVM".to_owned(),
                ),
            });
            report = self.boot_once(origin, context).await?;
        }
        Ok(report)
    }

    async fn boot_once(&self, origin: &Origin<'_>, context: &Context) -> Result<BootReport, Error> {
        if context.cancellation().is_cancelled() {
            return Err(Error::Cancelled);
        }
        let (platform, firmware) = (self.platform, self.firmware());
        let architecture = platform.architecture;
        let program = self.program.as_deref().unwrap_or(Path::new(platform.program));
        let program = process::locate(program)
            .ok_or_else(|| Error::QemuMissing { architecture, program: program.to_owned() })?;
        let _phase = context.phase(Phase::Booting, None);
        let accelerator = tokio::select! {
            accelerator = self.accelerator.resolve(&program, architecture) => accelerator,
            () = context.cancellation().cancelled() => return Err(Error::Cancelled),
        };
        // The directory and the phase last until QEMU has ended.
        let scratch = TempDir::with_prefix("netboot-qemu-").map_err(|source| Error::Io {
            action: "make a directory in",
            path: std::env::temp_dir(),
            source,
        })?;
        let uefi = self.uefi(origin, &program, &scratch).await?;
        let forward = match origin {
            Origin::Url(url) | Origin::Program(url) => forward_of(url).await?,
            Origin::Link(_) | Origin::HttpLink(_) => None,
        };
        let (source, hidden_script) = match origin {
            Origin::Url(url) => match self.ipxe()? {
                Some(ipxe) => {
                    let program = platform.boot_program;
                    BootSource::by_ipxe(ipxe, firmware, program, url, &scratch).await?
                }
                None => BootSource::by_dhcp(url, &scratch).await?,
            },
            Origin::Program(_) => (BootSource::Variables, None),
            Origin::Link(link) => (BootSource::Dhcp((*link).clone()), None),
            Origin::HttpLink(link) => (BootSource::HttpByDhcp((*link).clone()), None),
        };
        let tpm = match &self.tpm {
            Some(program) => Some(tokio::select! {
                tpm = Tpm::start(program, &scratch, self.timeout) => tpm?,
                () = context.cancellation().cancelled() => return Err(Error::Cancelled),
            }),
            None => None,
        };
        let command_line = CommandLine {
            name: &self.name,
            memory_mib: self.memory_mib,
            cpus: self.cpus,
            network_card: self.network_card,
            mac: self.mac.unwrap_or_else(random_mac),
            disks: &self.disks,
            boot_disk: self.boot_disk.as_deref(),
            identity: &self.identity.clone().or_random(),
            forward,
            platform,
            accelerator,
            uefi: uefi.as_ref(),
            tpm: tpm.as_ref().map(Tpm::socket),
            source: &source,
        };
        let arguments = command_line.arguments();
        let started = Instant::now();
        let qemu = process::Qemu::start(&program, arguments)?;
        let run = run::Run {
            url: &origin.to_string(),
            hidden_script,
            architecture,
            firmware,
            accelerator,
            timeout: self.timeout,
            expectations: self.expectations.clone(),
        };
        let report = run.watch(qemu, started, context).await;
        let ended = match tpm {
            Some(tpm) => tpm.end().await,
            None => Ok(()),
        };
        // An error of QEMU says more than one of swtpm.
        let report = report?;
        ended?;
        if let Some(files) = &uefi
            && firmware == Firmware::UefiSecureBoot
            && report.reached > BootStage::Dhcp
        {
            firmware_flash::ensure_secure_boot(files).await?;
        }
        Ok(report)
    }

    pub(crate) fn firmware(&self) -> Firmware {
        self.firmware.unwrap_or(self.platform.default_firmware())
    }

    /// Returns true if the firmware has to fetch what it boots itself: it has Secure Boot, which
    /// refuses an iPXE that the caller did not sign.
    pub(crate) fn starts_only_programs(&self) -> bool {
        self.firmware() == Firmware::UefiSecureBoot && self.ipxe.is_none()
    }

    /// Returns the file of the iPXE that boots the machine. `None` is that of the network card.
    fn ipxe(&self) -> Result<Option<&Path>, Error> {
        let known = self.platform.ipxe;
        match self.ipxe.as_deref() {
            Some(ipxe) => Ok(Some(ipxe)),
            None if known.is_empty() => Ok(None),
            None => match known.iter().map(Path::new).find(|path| path.is_file()) {
                Some(path) => Ok(Some(path)),
                None => Err(Error::IpxeMissing {
                    architecture: self.platform.architecture,
                    searched: known.iter().map(PathBuf::from).collect(),
                }),
            },
        }
    }

    /// Returns the files of the firmware, with a copy of its variables. `None` is BIOS.
    async fn uefi(
        &self,
        origin: &Origin<'_>,
        program: &Path,
        scratch: &TempDir,
    ) -> Result<Option<UefiFiles>, Error> {
        let firmware = self.firmware();
        if firmware == Firmware::Bios {
            return Ok(None);
        }
        let url = match origin {
            Origin::Program(url) => Some(url.as_str()),
            _ => None,
        };
        let (code, variables) = (self.firmware_code.as_deref(), self.firmware_variables.as_deref());
        let files = UefiFiles::locate(code, variables, program, self.platform, firmware)?;
        let keys = match &self.firmware_keys {
            Some(source) => Some(source.keys().await?),
            None => None,
        };
        firmware_flash::prepare(firmware, files, keys.as_ref(), url, scratch).await.map(Some)
    }
}

/// The thing that a machine boots.
enum Origin<'a> {
    Url(GuestUrl),
    /// An EFI program that the firmware fetches.
    Program(GuestUrl),
    Link(&'a NetworkLink),
    /// A network where the firmware boots by HTTP.
    HttpLink(&'a NetworkLink),
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) | Self::Program(url) => f.write_str(url.as_str()),
            Self::Link(link) | Self::HttpLink(link) => write!(f, "dhcp:{link}"),
        }
    }
}

/// Returns the forward of an isolated network to the server of a URL.
async fn forward_of(url: &GuestUrl) -> Result<Option<Forward>, Error> {
    let Some((host, guest_port)) = url.forwarded() else { return Ok(None) };
    process::locate(Path::new(forward::PROGRAM)).ok_or(Error::ForwarderMissing)?;
    let unknown = |source| Error::UnknownHost { host: host.to_owned(), source };
    let mut addresses = tokio::net::lookup_host((host, guest_port)).await.map_err(unknown)?;
    let missing = || unknown(std::io::ErrorKind::NotFound.into());
    Ok(Some(Forward { guest_port, server: addresses.next().ok_or_else(missing)? }))
}

/// Returns a random address that is locally administered (IEEE 802, bit 1 of the first octet).
fn random_mac() -> MacAddress {
    let random = Uuid::new_v4().into_bytes();
    let mut octets = [0; 6];
    octets.copy_from_slice(&random[..6]);
    octets[0] = octets[0] & !0b11 | 0b10;
    #[expect(clippy::expect_used, reason = "the address is neither zeros nor a group address")]
    MacAddress::new(octets).expect("the address of one card")
}

/// Returns true if the kernel panic was caused by emulation timing, not by the image.
fn is_emulator_fault(report: &BootReport) -> bool {
    let timer_panic = matches!(
        &report.outcome,
        BootOutcome::Panicked { line } if line.contains("IO-APIC + timer doesn't work")
    );
    report.accelerator == Accelerator::Tcg && timer_panic
}
