//! The differences between virtual machines of several architectures.

use netboot_core::Architecture;

use crate::accelerator::Accelerator;
use crate::firmware::Firmware;

/// The paths of a firmware's code and variables.
type FirmwarePaths = (&'static str, &'static str);

/// The machine model of an architecture, and the programs and files that it needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    pub(crate) architecture: Architecture,
    /// QEMU's program.
    pub(crate) program: &'static str,
    /// The packages with QEMU's program.
    pub(crate) program_packages: &'static str,
    /// True if QEMU has a BIOS for it, whose network cards have iPXE ROMs.
    pub(crate) has_bios: bool,
    /// The processor model without KVM. `None` is QEMU's default.
    processor: Option<&'static str>,
    /// Linux's name of the serial console.
    pub(crate) console: &'static str,
    /// The program that UEFI boots from a drive (UEFI specification 2.10, section 3.5.1.1).
    pub(crate) boot_program: &'static str,
    /// Where distributions install the UEFI firmware. Relative paths are below QEMU's prefix.
    pub(crate) firmware: &'static [FirmwarePaths],
    /// Where distributions install the firmware with Secure Boot.
    pub(crate) secure_firmware: &'static [FirmwarePaths],
    /// The packages with the UEFI firmware.
    pub(crate) firmware_packages: &'static str,
    /// Where distributions install an iPXE that UEFI boots from a drive. It is empty where the
    /// iPXE in the ROMs of network cards runs.
    pub(crate) ipxe: &'static [&'static str],
    /// The packages with that iPXE.
    pub(crate) ipxe_packages: &'static str,
}

impl Platform {
    pub(crate) const X86_64: &'static Self = &Self {
        architecture: Architecture::X86_64,
        program: "qemu-system-x86_64",
        program_packages: "Debian, Ubuntu: qemu-system-x86 and ipxe-qemu; Fedora: \
                           qemu-system-x86-core; Nix: qemu",
        has_bios: true,
        processor: None,
        console: "ttyS0",
        boot_program: "BOOTX64.EFI",
        firmware: &[
            // Debian, Ubuntu
            ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
            // Fedora
            ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
            // Arch
            ("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
            // openSUSE
            ("/usr/share/qemu/ovmf-x86_64-4m-code.bin", "/usr/share/qemu/ovmf-x86_64-4m-vars.bin"),
            // QEMU's own files, which Nix installs beside QEMU
            ("share/qemu/edk2-x86_64-code.fd", "share/qemu/edk2-i386-vars.fd"),
            // Debian before 4M images
            ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
        ],
        secure_firmware: &[
            // Debian, Ubuntu
            ("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
            // Fedora
            ("/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
            // Arch
            ("/usr/share/edk2/x64/OVMF_CODE.secboot.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
            // openSUSE
            (
                "/usr/share/qemu/ovmf-x86_64-smm-code.bin",
                "/usr/share/qemu/ovmf-x86_64-smm-vars.bin",
            ),
            // QEMU's own file
            ("share/qemu/edk2-x86_64-secure-code.fd", "share/qemu/edk2-i386-vars.fd"),
        ],
        firmware_packages: "OVMF (Debian, Ubuntu: ovmf; Fedora: edk2-ovmf; Nix: OVMF)",
        ipxe: &[],
        ipxe_packages: "",
    };

    const AARCH64: &'static Self = &Self {
        architecture: Architecture::Aarch64,
        program: "qemu-system-aarch64",
        program_packages: "Debian, Ubuntu: qemu-system-arm; Fedora: qemu-system-aarch64-core; Nix: \
                           qemu",
        has_bios: false,
        // TCG takes twice as long for the model `max`, which authenticates pointers.
        processor: Some("cortex-a72"),
        console: "ttyAMA0",
        boot_program: "BOOTAA64.EFI",
        firmware: &[
            // Debian, Ubuntu
            ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),
            // Fedora
            (
                "/usr/share/edk2/aarch64/QEMU_EFI-silent-pflash.raw",
                "/usr/share/edk2/aarch64/vars-template-pflash.raw",
            ),
            // Arch
            ("/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/edk2/aarch64/QEMU_VARS.fd"),
            // QEMU's own files, which Nix installs beside QEMU
            ("share/qemu/edk2-aarch64-code.fd", "share/qemu/edk2-arm-vars.fd"),
        ],
        // There is no System Management Mode. The system could change the variables, as it can in
        // most machines of this kind, but no program that the firmware refuses gets there.
        secure_firmware: &[
            // Debian, Ubuntu
            ("/usr/share/AAVMF/AAVMF_CODE.secboot.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),
            ("/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"),
        ],
        firmware_packages: "AAVMF (Debian, Ubuntu: qemu-efi-aarch64; Fedora: edk2-aarch64)",
        ipxe: &[
            // Debian 13 and later
            "/usr/lib/ipxe/ipxe-arm64.efi",
            // Fedora
            "/usr/share/ipxe/arm64-efi/snponly.efi",
        ],
        ipxe_packages: "Debian 13: ipxe; Fedora: ipxe-bootimgs-aarch64",
    };

    /// A remedy for an architecture that [`of`](Self::of) does not know.
    pub(crate) const CHOICE: &'static str = "use x86_64 or aarch64";

    /// Returns the platform of an architecture, if QEMU machines of it can boot from the network.
    pub(crate) fn of(architecture: Architecture) -> Option<&'static Self> {
        match architecture {
            Architecture::X86_64 => Some(Self::X86_64),
            Architecture::Aarch64 => Some(Self::AARCH64),
            _ => None,
        }
    }

    /// The firmware of a machine whose caller chose none.
    pub(crate) fn default_firmware(&self) -> Firmware {
        if self.has_bios { Firmware::Bios } else { Firmware::Uefi }
    }

    /// QEMU's arguments for the machine model, and for the processor that TCG emulates.
    pub(crate) fn arguments(
        &self,
        firmware: Firmware,
        accelerator: Accelerator,
    ) -> Vec<&'static str> {
        let board = match (self.has_bios, firmware, accelerator) {
            // Without graphics, SeaBIOS and iPXE use the serial console.
            (true, Firmware::Bios, _) => "pc,graphics=off",
            (true, Firmware::Uefi, _) => "q35",
            (true, Firmware::UefiSecureBoot, _) => "q35,smm=on",
            // KVM offers only the interrupt controller of the computer.
            (false, _, Accelerator::Kvm) => "virt,gic-version=host",
            (false, _, Accelerator::Auto | Accelerator::Tcg) => "virt",
        };
        let processor = self.processor.filter(|_| accelerator != Accelerator::Kvm);
        let processor = processor.into_iter().flat_map(|model| ["-cpu", model]);
        ["-machine", board].into_iter().chain(processor).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_is_named() {
        let known = Architecture::ALL.into_iter().filter(|it| Platform::of(*it).is_some());
        let names: Vec<&str> = known.map(Architecture::as_str).collect();
        assert_eq!(format!("use {}", names.join(" or ")), Platform::CHOICE);
    }

    #[test]
    fn a_machine_without_a_bios_has_uefi() {
        assert_eq!(Platform::X86_64.default_firmware(), Firmware::Bios);
        assert_eq!(Platform::AARCH64.default_firmware(), Firmware::Uefi);
        let arguments = Platform::AARCH64.arguments(Firmware::Uefi, Accelerator::Tcg);
        assert_eq!(arguments, ["-machine", "virt", "-cpu", "cortex-a72"]);
        let arguments = Platform::X86_64.arguments(Firmware::Uefi, Accelerator::Tcg);
        assert_eq!(arguments, ["-machine", "q35"]);
        let arguments = Platform::X86_64.arguments(Firmware::UefiSecureBoot, Accelerator::Tcg);
        assert_eq!(arguments, ["-machine", "q35,smm=on"]);
    }
}
