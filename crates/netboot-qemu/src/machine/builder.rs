//! The builder of a machine.

use std::path::PathBuf;
use std::time::Duration;

use netboot_core::{Architecture, InvalidValue, MacAddress};

use crate::accelerator::Accelerator;
use crate::error::Error;
use crate::expectations::Expectations;
use crate::firmware::Firmware;
use crate::firmware_keys::{FirmwareKeys, KeySource};
use crate::machine::Machine;
use crate::network_access::NetworkAccess;
use crate::network_card::NetworkCard;
use crate::platform::Platform;
use crate::system_identity::SystemIdentity;

/// The minimum memory with which firmware, iPXE and Linux start, in MiB.
const LEAST_MEMORY: u32 = 128;

impl Machine {
    /// Creates a builder for a machine.
    pub fn builder() -> MachineBuilder {
        MachineBuilder::new()
    }
}

/// Sets the options of a [`Machine`]. [`Machine::builder`] creates it.
#[derive(Debug, Clone)]
#[must_use = "`build` makes the machine"]
pub struct MachineBuilder(Machine, Option<Refused>);

/// A setting that was refused when it was made.
#[derive(Debug, Clone)]
enum Refused {
    Mac(InvalidValue),
    Architecture(Architecture),
}

impl MachineBuilder {
    fn new() -> Self {
        let machine = Machine {
            name: "netboot".to_owned(),
            platform: Platform::X86_64,
            firmware: None,
            memory_mib: 1024,
            cpus: 1,
            network_access: NetworkAccess::default(),
            network_card: None,
            mac: None,
            disks: Vec::new(),
            boot_disk: None,
            identity: SystemIdentity::default(),
            ipxe: None,
            accelerator: Accelerator::default(),
            timeout: Duration::from_secs(180),
            program: None,
            firmware_code: None,
            firmware_variables: None,
            firmware_keys: None,
            tpm: None,
            expectations: Expectations::default(),
        };
        Self(machine, None)
    }

    /// Sets the machine's name, which the process list shows. The default is `netboot`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Sets the architecture. The default is `x86_64`; `aarch64` is possible too.
    ///
    /// An `aarch64` machine has UEFI, and boots a URL with an iPXE for 64-bit ARM: the one that
    /// [`ipxe`](Self::ipxe) names, or that of the distribution (Debian 13: `ipxe`). Its kernel has
    /// its console at `ttyAMA0`.
    pub fn architecture(mut self, architecture: Architecture) -> Self {
        match Platform::of(architecture) {
            Some(platform) => self.0.platform = platform,
            None => self.1 = Some(Refused::Architecture(architecture)),
        }
        self
    }

    /// Sets the firmware. The default is BIOS for `x86_64`, and otherwise UEFI.
    pub fn firmware(mut self, firmware: Firmware) -> Self {
        self.0.firmware = Some(firmware);
        self
    }

    /// Sets the memory in MiB, at least 128. The default is 1024. It must hold the packed and the
    /// unpacked initrd at the same time.
    pub fn memory_mib(mut self, memory: u32) -> Self {
        self.0.memory_mib = memory;
        self
    }

    /// Sets the number of processors, 1 to 64. The default is 1.
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.0.cpus = cpus;
        self
    }

    /// Sets what the machine can reach when it boots from a URL. The default is the web server of
    /// the URL and nothing else.
    pub fn network_access(mut self, access: NetworkAccess) -> Self {
        self.0.network_access = access;
        self
    }

    /// Sets the model of the network card. The default is [`NetworkCard::E1000`] in `x86_64`
    /// machines with UEFI, unless UEFI's own PXE or HTTP boots them. Otherwise it is
    /// [`NetworkCard::Virtio`]. A boot fails if nothing can boot from the card.
    pub fn network_card(mut self, card: NetworkCard) -> Self {
        self.0.network_card = Some(card);
        self
    }

    /// Adds a disk with the content of a file, which the machine changes. The machine does not boot
    /// from it. To Linux it is a virtio disk (`/dev/vda`, then `/dev/vdb`).
    pub fn disk(mut self, image: impl Into<PathBuf>) -> Self {
        self.0.disks.push(image.into());
        self
    }

    /// Adds a disk that the firmware boots from after the network card: an image of a disk, or a
    /// directory, which the machine sees as a FAT file system that it cannot change. A test finds
    /// out with it if a script leads back to the firmware.
    pub fn boot_disk(mut self, image: impl Into<PathBuf>) -> Self {
        self.0.boot_disk = Some(image.into());
        self.0.expectations.boots_disk = true;
        self
    }

    /// Sets the hardware address of the network card. By default, each boot has a random address
    /// that is locally administered, so that nobody takes the machine for another one.
    pub fn mac(mut self, mac: impl TryInto<MacAddress, Error: Into<InvalidValue>>) -> Self {
        match mac.try_into() {
            Ok(mac) => self.0.mac = Some(mac),
            Err(error) => self.1 = Some(Refused::Mac(error.into())),
        }
        self
    }

    /// Sets the identity that the firmware reports. By default, each boot has a random UUID and a
    /// random serial number.
    pub fn identity(mut self, identity: SystemIdentity) -> Self {
        self.0.identity = identity;
        self
    }

    /// Sets the file of an iPXE that boots the machine instead of the network card's iPXE. Under
    /// BIOS it is a build for Linux boot loaders (`ipxe.lkrn`), under UEFI an EFI program
    /// (`ipxe.efi`).
    pub fn ipxe(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.ipxe = Some(path.into());
        self
    }

    /// Sets the accelerator. The default is [`Accelerator::Auto`].
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.0.accelerator = accelerator;
        self
    }

    /// Sets the maximum duration of a boot. The default is three minutes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = timeout;
        self
    }

    /// Sets QEMU's program. The default is `qemu-system-x86_64` of the `PATH`, or
    /// `qemu-system-aarch64`.
    pub fn qemu_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.0.program = Some(program.into());
        self
    }

    /// Sets the file with the UEFI firmware's code. The default is at the path where distributions
    /// install it: OVMF, AAVMF for ARM, or OVMF's build for [`Firmware::UefiSecureBoot`]. The
    /// firmware's variables are in the file beside it with `VARS` for `CODE` in the name, unless
    /// [`firmware_variables`](Self::firmware_variables) names another.
    ///
    /// [`Firmware::UefiSecureBoot`] needs a build with System Management Mode. Other ones cannot
    /// write to the protected variables, and may go on without the keys in them. A boot in which
    /// such firmware starts something fails with [`Error::SecureBootUnproven`].
    pub fn firmware_code(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.firmware_code = Some(path.into());
        self
    }

    /// Sets the file with the initial variables of the UEFI firmware. Each boot uses a copy.
    ///
    /// [`Firmware::UefiSecureBoot`] without [`firmware_keys`](Self::firmware_keys) needs a file in
    /// which keys are enrolled: a platform key (`PK`), and in `db` the certificates of the keys
    /// that sign programs. `virt-fw-vars` of virt-firmware makes one from the firmware's own file
    /// (Debian 13: `python3-virt-firmware`).
    pub fn firmware_variables(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.firmware_variables = Some(path.into());
        self
    }

    /// Enrols the keys of a machine with [`Firmware::UefiSecureBoot`] in its copy of the firmware's
    /// variables. They replace keys that are enrolled there.
    pub fn firmware_keys(mut self, keys: FirmwareKeys) -> Self {
        self.0.firmware_keys = Some(KeySource::Values(keys));
        self
    }

    /// Enrols the keys of a directory like [`firmware_keys`](Self::firmware_keys). Each boot reads
    /// them as [`FirmwareKeys::read`] does.
    pub fn firmware_keys_in(mut self, directory: impl Into<PathBuf>) -> Self {
        self.0.firmware_keys = Some(KeySource::Directory(directory.into()));
        self
    }

    /// See [`Machine::starts_only_programs`].
    #[cfg(feature = "prover")]
    pub(crate) fn starts_only_programs(&self) -> bool {
        self.0.starts_only_programs()
    }

    /// Gives the machine a TPM 2.0 that swtpm emulates. `program` is its path, or a name in the
    /// `PATH`, such as `swtpm`. Each boot has a new TPM, without keys and with empty registers
    /// (PCRs). Only `x86_64` machines have one.
    pub fn tpm(mut self, program: impl Into<PathBuf>) -> Self {
        self.0.tpm = Some(program.into());
        self
    }

    /// Expects `marker` in a line of the console. There may be several markers, in any order. The
    /// boot succeeds and ends when the console has shown all of them. Without a marker, it succeeds
    /// when Linux starts `init`.
    ///
    /// The console also shows the URLs that iPXE fetches and the kernel's command line. A marker
    /// that is part of one of them is seen before the system runs. A marker that begins or ends
    /// with a letter or digit is not seen inside a longer word: `login:` is not in `sulogin:`.
    pub fn expect(mut self, marker: impl Into<String>) -> Self {
        self.0.expectations.markers.push(marker.into());
        self
    }

    /// Expects that stage 1 fetches the whole store of a closure. Without this and without a
    /// marker, the boot succeeds when Linux starts the `init` of the initrd, which is before that.
    pub fn expect_store(mut self) -> Self {
        self.0.expectations.store = true;
        self
    }

    /// Lets a system come up in emergency or rescue mode. Without this, the words of systemd, of
    /// `sulogin` and of NixOS's stage 1 that say so end the boot as failed, and so does a failure
    /// to register the store paths with Nix.
    pub fn allow_emergency_mode(mut self) -> Self {
        self.0.expectations.allows_emergency_mode = true;
        self
    }

    /// Ends the boot as failed when a line of the console contains `text`. A kernel panic always
    /// ends the boot, and emergency mode does unless
    /// [`allow_emergency_mode`](Self::allow_emergency_mode) is called.
    pub fn fail_on(mut self, text: impl Into<String>) -> Self {
        self.0.expectations.failures.push(text.into());
        self
    }

    /// Sets the text that shows that `init` runs. It replaces the defaults: Linux's `Run /init as
    /// init process`, which `quiet` and `loglevel=` suppress, and the messages of NixOS.
    pub fn init_marker(mut self, text: impl Into<String>) -> Self {
        self.0.expectations.init_marker = Some(text.into());
        self
    }

    /// Presses `keys` when the console shows `after`. The module [`key`](crate::key) has the keys
    /// that are not characters. Several calls press their keys in the order of the calls, each when
    /// its text appears after the previous keys were pressed.
    pub fn press(mut self, after: impl Into<String>, keys: impl Into<String>) -> Self {
        self.0.expectations.presses.push((after.into(), keys.into()));
        self
    }

    /// Checks the settings and makes the machine. It does not look for QEMU and the firmware, which
    /// the boot does.
    ///
    /// # Errors
    /// [`Error::KeysMissing`] for Secure Boot without [`firmware_keys`](Self::firmware_keys) and
    /// [`firmware_variables`](Self::firmware_variables), [`Error::InvalidSetting`] for a setting
    /// out of range, and for a text that is empty or has several lines; [`Error::InvalidValue`] for
    /// a text that is not a hardware address.
    pub fn build(self) -> Result<Machine, Error> {
        let refuse = |setting, value: String, problem| {
            Err(Error::InvalidSetting { setting, value, problem })
        };
        match self.1 {
            Some(Refused::Mac(error)) => return Err(error.into()),
            Some(Refused::Architecture(architecture)) => {
                return refuse("architecture", architecture.to_string(), Platform::CHOICE);
            }
            None => {}
        }
        let (platform, firmware) = (self.0.platform, self.0.firmware());
        if firmware == Firmware::Bios && !platform.has_bios {
            let problem = "use UEFI, because only x86_64 machines have a BIOS";
            return refuse("firmware", firmware.to_string(), problem);
        }
        if self.0.tpm.is_some() && platform.architecture != Architecture::X86_64 {
            let problem = "leave it out, because only x86_64 machines have one here";
            return refuse("TPM", format!("in an {} machine", platform.architecture), problem);
        }
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.0.name.is_empty() || self.0.name.len() > 128 || !self.0.name.chars().all(in_name) {
            let problem = "use 1 to 128 letters, digits, `-`, `_` and `.`";
            return refuse("name", format!("{:?}", self.0.name), problem);
        }
        if self.0.memory_mib < LEAST_MEMORY {
            return refuse("memory", format!("{} MiB", self.0.memory_mib), "use at least 128 MiB");
        }
        if !(1..=64).contains(&self.0.cpus) {
            return refuse("number of processors", self.0.cpus.to_string(), "use 1 to 64");
        }
        if self.0.timeout.is_zero() {
            return refuse(
                "timeout",
                "zero".to_owned(),
                "use a longer time, since a boot takes several seconds",
            );
        }
        if firmware == Firmware::UefiSecureBoot {
            if self.0.firmware_variables.is_none() && self.0.firmware_keys.is_none() {
                return Err(Error::KeysMissing);
            }
        } else if self.0.firmware_keys.is_some() {
            let problem = "use UEFI with Secure Boot for a machine with keys";
            return refuse("firmware", firmware.to_string(), problem);
        }
        if let Some((setting, text)) = self.0.identity.unusable() {
            let problem =
                "use 1 to 64 printable ASCII characters, or 32 digits in groups for a UUID";
            return refuse(setting, format!("{text:?}"), problem);
        }
        if let Some((setting, text)) = self.0.expectations.unusable() {
            let problem = "use a text that fits in one line of the console";
            return refuse(setting, format!("{text:?}"), problem);
        }
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(builder: MachineBuilder) -> &'static str {
        match builder.build() {
            Err(Error::InvalidSetting { setting, .. }) => setting,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let machine = Machine::builder;
        assert_eq!(refused(machine().name("")), "name");
        assert_eq!(refused(machine().name("a,process=b")), "name");
        assert_eq!(refused(machine().memory_mib(127)), "memory");
        assert_eq!(refused(machine().cpus(0)), "number of processors");
        assert_eq!(refused(machine().cpus(65)), "number of processors");
        let arm = machine().architecture(Architecture::Aarch64);
        assert_eq!(refused(arm.firmware(Firmware::Bios)), "firmware");
        assert_eq!(refused(machine().architecture(Architecture::Riscv64)), "architecture");
        let identity = SystemIdentity { uuid: Some("1".into()), ..SystemIdentity::default() };
        assert_eq!(refused(machine().identity(identity)), "UUID");
        assert_eq!(refused(machine().timeout(Duration::ZERO)), "timeout");
        assert_eq!(refused(machine().expect("")), "expected text");
        assert_eq!(refused(machine().expect("two\nlines")), "expected text");
        assert_eq!(refused(machine().fail_on(" ")), "failure text");
        assert_eq!(refused(machine().init_marker("")), "init text");
        assert_eq!(refused(machine().press("", "a")), "text before keys");
    }

    #[test]
    fn the_least_and_the_default_are_accepted() {
        Machine::builder().build().unwrap();
        let arm = Machine::builder().architecture(Architecture::Aarch64);
        assert_eq!(arm.build().unwrap().firmware(), Firmware::Uefi);
        Machine::builder().memory_mib(128).cpus(64).expect("x y").press("x", "").build().unwrap();
    }
}
