//! Describing a machine.

use std::path::PathBuf;
use std::time::Duration;

use netboot_core::MacAddress;

use crate::accelerator::Accelerator;
use crate::error::Error;
use crate::expectations::Expectations;
use crate::firmware::Firmware;
use crate::machine::Machine;
use crate::system_identity::SystemIdentity;

/// The least memory with which firmware, iPXE and Linux start, in MiB.
const LEAST_MEMORY: u32 = 128;

impl Machine {
    /// Begins to describe a machine.
    pub fn builder() -> MachineBuilder {
        MachineBuilder::new()
    }
}

/// Describes a [`Machine`]; made by [`Machine::builder`].
#[derive(Debug, Clone)]
#[must_use = "a machine is made by `build`"]
pub struct MachineBuilder(Machine);

impl MachineBuilder {
    fn new() -> Self {
        Self(Machine {
            name: "netboot".to_owned(),
            firmware: Firmware::default(),
            memory_mib: 1024,
            cpus: 1,
            mac: None,
            identity: SystemIdentity::default(),
            ipxe: None,
            accelerator: Accelerator::default(),
            timeout: Duration::from_secs(180),
            program: PathBuf::from("qemu-system-x86_64"),
            firmware_code: None,
            firmware_variables: None,
            expectations: Expectations::default(),
        })
    }

    /// The machine's name, which the process list shows; `netboot` without this.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Its firmware; BIOS without this.
    pub fn firmware(mut self, firmware: Firmware) -> Self {
        self.0.firmware = firmware;
        self
    }

    /// Its memory in MiB, at least 128; 1024 without this. The initrd lies in it packed and
    /// unpacked at the same time.
    pub fn memory_mib(mut self, memory: u32) -> Self {
        self.0.memory_mib = memory;
        self
    }

    /// How many processors it has, 1 to 64; one without this.
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.0.cpus = cpus;
        self
    }

    /// The hardware address of its network card; QEMU's default without this.
    pub fn mac(mut self, mac: MacAddress) -> Self {
        self.0.mac = Some(mac);
        self
    }

    /// What its firmware tells of it; QEMU's defaults without this.
    pub fn identity(mut self, identity: SystemIdentity) -> Self {
        self.0.identity = identity;
        self
    }

    /// The file with the iPXE that boots it, instead of the network card's own: one for Linux boot
    /// loaders (`ipxe.lkrn`) under BIOS, an EFI program (`ipxe.efi`) under UEFI.
    pub fn ipxe(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.ipxe = Some(path.into());
        self
    }

    /// What executes its instructions; [`Accelerator::Auto`] without this.
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.0.accelerator = accelerator;
        self
    }

    /// How long a boot may take until everything is seen; three minutes without this.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = timeout;
        self
    }

    /// QEMU's program; `qemu-system-x86_64` of the `PATH` without this.
    pub fn qemu_program(mut self, program: impl Into<PathBuf>) -> Self {
        self.0.program = program.into();
        self
    }

    /// The file with the UEFI firmware's code, instead of OVMF where distributions install it.
    /// Its variables lie beside it under the same name with `VARS` for `CODE`, unless
    /// [`firmware_variables`](Self::firmware_variables) names them.
    pub fn firmware_code(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.firmware_code = Some(path.into());
        self
    }

    /// The file with the variables that the UEFI firmware begins with. Each boot has a copy.
    pub fn firmware_variables(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.firmware_variables = Some(path.into());
        self
    }

    /// Expects `marker` in a line of the console. Several may be expected, in any order; the boot
    /// has succeeded when all were seen, and ends then. Without any it succeeds when Linux starts
    /// its `init`.
    ///
    /// The console also shows what iPXE fetches and the kernel's command line: a text that is in
    /// one of them is seen before anything runs.
    pub fn expect(mut self, marker: impl Into<String>) -> Self {
        self.0.expectations.markers.push(marker.into());
        self
    }

    /// Ends the boot as failed when `text` is in a line of the console, such as the prompt of an
    /// emergency shell. A kernel panic ends it in any case.
    pub fn fail_on(mut self, text: impl Into<String>) -> Self {
        self.0.expectations.failures.push(text.into());
        self
    }

    /// The text that shows that `init` runs, instead of Linux's `Run /init as init process`, which
    /// `quiet` and `loglevel=` suppress, and of NixOS's own words.
    pub fn init_marker(mut self, text: impl Into<String>) -> Self {
        self.0.expectations.init_marker = Some(text.into());
        self
    }

    /// Presses `keys` when `after` is on the console; [`key`](crate::key) has those that are no
    /// characters. Several are pressed in the order of their calls, each when its text appears
    /// after the keys before it were pressed.
    pub fn press(mut self, after: impl Into<String>, keys: impl Into<String>) -> Self {
        self.0.expectations.presses.push((after.into(), keys.into()));
        self
    }

    /// Checks the settings. Whether QEMU and firmware are there shows at the boot.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for one out of range, and for a text that is empty or goes over
    /// lines.
    pub fn build(self) -> Result<Machine, Error> {
        let refuse = |setting, value: String, problem| {
            Err(Error::InvalidSetting { setting, value, problem })
        };
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.0.name.is_empty() || self.0.name.len() > 128 || !self.0.name.chars().all(in_name) {
            let problem = "use 1 to 128 letters, digits, `-`, `_` and `.`";
            return refuse("name", format!("{:?}", self.0.name), problem);
        }
        if self.0.memory_mib < LEAST_MEMORY {
            return refuse("memory", format!("{} MiB", self.0.memory_mib), "128 MiB are the least");
        }
        if !(1..=64).contains(&self.0.cpus) {
            return refuse("number of processors", self.0.cpus.to_string(), "use 1 to 64");
        }
        if self.0.timeout.is_zero() {
            return refuse("timeout", "zero".to_owned(), "a boot takes seconds");
        }
        if let Some((setting, text)) = self.0.identity.unusable() {
            let problem = "use 1 to 64 printable ASCII characters, for a UUID 32 digits in groups";
            return refuse(setting, format!("{text:?}"), problem);
        }
        if let Some((setting, text)) = self.0.expectations.unusable() {
            let problem = "use a text that can stand in one line of the console";
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
        Machine::builder().memory_mib(128).cpus(64).expect("x y").press("x", "").build().unwrap();
    }
}
