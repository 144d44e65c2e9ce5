//! `netboot boot`: boots an image in QEMU, and reports how far it came.

mod object;
mod source;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use netboot_core::{Architecture, ProfileName, Report};
use netboot_qemu::{BootReport, Firmware, FirmwareKeys, Machine, NetworkAccess};
use serde_json::json;

use self::object::{AFTER, object};
use self::source::Wanted;
use crate::answer::{Answer, FOUND};
use crate::configuration::proof::SWTPM;
use crate::failure::Cancelled;
use crate::misuse::{Misuse, OfCommandLine};
use crate::release_prefix::ReleasePrefix;
use crate::session::Session;

#[derive(Debug, Args)]
#[command(after_long_help = AFTER)]
pub(crate) struct Arguments {
    /// The image: a TARGET, a directory that `netboot build` wrote, or the URL of an iPXE script or
    /// of a UKI.
    #[arg(value_name = "TARGET|URL|DIR")]
    source: String,

    /// The profile to boot. The default is what a machine without a profile boots: a menu, if there
    /// are several.
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,

    /// The release to boot, by the first digits of its id. It need not have been live. The default
    /// is the live release.
    #[arg(long, value_name = "RELEASE")]
    release: Option<ReleasePrefix>,

    /// The architecture of the virtual machine: `x86_64` or `aarch64`. The default is that of the
    /// image, or `x86_64` if images for several are there, or for a URL.
    #[arg(long, value_name = "NAME")]
    architecture: Option<Architecture>,

    /// The firmware of the virtual machine. The default is `bios` for `x86_64`, and otherwise
    /// `uefi`. A UKI and Secure Boot need `uefi`, which is then the default.
    #[arg(long, value_enum)]
    firmware: Option<FirmwareChoice>,

    /// Let the firmware fetch the UKI of the image by HTTP, without iPXE.
    #[arg(long, conflicts_with = "ipxe")]
    uki: bool,

    /// Boot with Secure Boot. The directory has the certificates that the firmware trusts: `db.esl`
    /// or `db.crt`, and also `KEK` and `PK` if they are there. The firmware fetches the UKI of the
    /// image by HTTP, without iPXE. With `--ipxe`, it starts that iPXE, which a key has to have
    /// signed.
    #[arg(long, value_name = "DIR")]
    secure_boot_keys: Option<PathBuf>,

    /// Give the virtual machine a TPM, which swtpm emulates.
    #[arg(long)]
    tpm: bool,

    /// The file of an iPXE that boots the virtual machine instead of the network card's. The
    /// default for `aarch64`, where network cards have none, is `[proof]` of netboot.toml, or that
    /// of the distribution.
    #[arg(long, value_name = "FILE")]
    ipxe: Option<PathBuf>,

    /// A text that the console must show. Can be repeated.
    #[arg(long = "expect", value_name = "TEXT")]
    expected: Vec<String>,

    /// The memory of the virtual machine, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: u32,

    /// The maximum time of the boot, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    timeout: u64,

    /// Let the machine reach everything that this computer reaches, instead of only the web server
    /// of its URL. The image may then report to a production service, or join a cluster.
    #[arg(long)]
    network: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FirmwareChoice {
    /// A BIOS.
    Bios,
    /// A UEFI.
    Uefi,
}

impl Arguments {
    /// Boots the image.
    pub(crate) async fn run(self, session: &Session) -> Result<Answer, Report> {
        // A wrong option is found before anything is read.
        self.machine(self.architecture, session)?;
        let wanted = Wanted {
            source: &self.source,
            profile: self.profile.as_ref(),
            release: self.release.as_ref(),
            is_uki: self.boots_uki(),
        };
        let source = wanted.find(session).await?;
        let machine = self.machine(self.architecture.or(source.architecture), session)?;
        let booted = if self.boots_uki() {
            machine.boot_by_http(&source.url, &session.context).await
        } else {
            machine.boot(&source.url, &session.context).await
        };
        let report = match booted {
            Err(netboot_qemu::Error::Cancelled) => {
                return Err(Cancelled::report("the machine was stopped"));
            }
            report => report?,
        };
        Ok(answer(&report, session))
    }

    /// True if the firmware fetches a UKI, and not iPXE a script.
    fn boots_uki(&self) -> bool {
        self.uki || self.secure_boot_keys.is_some() && self.ipxe.is_none()
    }

    fn machine(
        &self,
        architecture: Option<Architecture>,
        session: &Session,
    ) -> Result<Machine, Report> {
        let architecture = architecture.unwrap_or(Architecture::X86_64);
        let mut machine = Machine::builder()
            .architecture(architecture)
            .memory_mib(self.memory)
            .timeout(Duration::from_secs(self.timeout));
        if let Some(firmware) = self.firmware()? {
            machine = machine.firmware(firmware);
        }
        if let Some(keys) = &self.secure_boot_keys {
            // Keys that cannot be used are found before anything is read.
            FirmwareKeys::read(keys).of_command_line()?;
            machine = machine.firmware_keys_in(keys);
        }
        if self.tpm {
            machine = machine.tpm(SWTPM);
        }
        let configured = session.configuration()?.proof.ipxe(architecture);
        let configured = configured.filter(|_| !self.boots_uki());
        if let Some(ipxe) = self.ipxe.as_deref().or(configured) {
            machine = machine.ipxe(ipxe);
        }
        if self.network {
            machine = machine.network_access(NetworkAccess::Unrestricted);
        }
        for text in &self.expected {
            machine = machine.expect(text);
        }
        machine.build().of_command_line()
    }

    /// The firmware that the options ask for.
    fn firmware(&self) -> Result<Option<Firmware>, Report> {
        let is_secure = self.secure_boot_keys.is_some();
        let option = if is_secure { "--secure-boot-keys" } else { "--uki" };
        Ok(match self.firmware {
            Some(FirmwareChoice::Bios) if is_secure || self.uki => {
                return Err(Misuse::report(
                    format!("`{option}` needs UEFI, and `--firmware` names a BIOS"),
                    format!("leave out `--firmware bios`, or `{option}`"),
                ));
            }
            _ if is_secure => Some(Firmware::UefiSecureBoot),
            Some(FirmwareChoice::Bios) => Some(Firmware::Bios),
            Some(FirmwareChoice::Uefi) => Some(Firmware::Uefi),
            None => self.uki.then_some(Firmware::Uefi),
        })
    }
}

fn answer(report: &BootReport, session: &Session) -> Answer {
    let failure = report.ensure_success().err();
    let mut object = object(report);
    object["came_up"] = failure.is_none().into();
    object["hint"] = json!(failure.as_ref().and_then(netboot_qemu::Error::hint));
    let answer = Answer::new(report, object);
    match failure {
        None => answer,
        Some(failure) => {
            session.progress.line(&Report::from(failure).in_full());
            answer.with_exit_code(FOUND)
        }
    }
}
