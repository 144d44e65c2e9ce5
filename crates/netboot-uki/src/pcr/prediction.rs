//! The values that the PCRs of a machine have after it booted a UKI.

use netboot_core::Sha256Digest;

use crate::pcr::boot_path::BootPath;
use crate::pcr::register::Register;

/// The action that the firmware measures before each boot option ("TCG PC Client Platform Firmware
/// Profile", `EV_EFI_ACTION`).
const CALLING: &[u8] = b"Calling EFI Application from Boot Option";

/// The action that the firmware measures after a boot option that came back.
const RETURNING: &[u8] = b"Returning from EFI Application from Boot Option";

/// The mark that the firmware measures between its own measurements and those of the boot ("TCG PC
/// Client Platform Firmware Profile", `EV_SEPARATOR`).
const SEPARATOR: &[u8] = &[0; 4];

/// The values of the PCRs 4, 11 and 12 in the SHA-256 bank when the kernel of a UKI starts.
///
/// - PCR 4 has the programs that the firmware loaded.
/// - PCR 11 has the sections of the UKI.
/// - PCR 12 has the kernel parameters from outside the UKI. It is zero without them.
///
/// systemd extends PCR 11 later, at each phase of the boot: see
/// [`pcr_11_after`](Self::pcr_11_after).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PredictedPcrs {
    /// The value of PCR 4.
    pub pcr_4: Sha256Digest,
    /// The value of PCR 11.
    pub pcr_11: Sha256Digest,
    /// The value of PCR 12.
    pub pcr_12: Sha256Digest,
}

impl PredictedPcrs {
    /// The phases of a boot with systemd, in their order (systemd-pcrphase.service(8)).
    pub const PHASES: [&str; 4] = ["enter-initrd", "leave-initrd", "sysinit", "ready"];

    /// The value of PCR 11 after these phases. systemd measures the word of each phase
    /// (systemd-pcrphase.service(8)).
    pub fn pcr_11_after(&self, phases: &[&str]) -> Sha256Digest {
        let mut register = Register::of(self.pcr_11);
        for phase in phases {
            register.measure(phase.as_bytes());
        }
        register.value()
    }
}

/// PCR 4 after the firmware loaded these programs.
pub(crate) fn pcr_4(path: &BootPath, programs: &[Sha256Digest]) -> Sha256Digest {
    let mut register = Register::new();
    register.measure(CALLING);
    register.measure(SEPARATOR);
    for _ in 0..path.failed_attempts {
        register.measure(RETURNING);
        register.measure(CALLING);
    }
    for digest in programs {
        register.extend(digest);
    }
    register.value()
}

/// PCR 11 after the stub measured these sections. It measures the name of each one with a NUL,
/// then the content (`measure_sections` in `src/boot/stub.c` of systemd 257).
pub(crate) fn pcr_11(sections: &[(&str, Sha256Digest)]) -> Sha256Digest {
    let mut register = Register::new();
    for (name, digest) in sections {
        register.measure(format!("{name}\0").as_bytes());
        register.extend(digest);
    }
    register.value()
}

/// PCR 12 after the stub measured command lines: each one in UTF-16 with a NUL
/// (`tpm_log_load_options` in `src/boot/measure.c` of systemd 257).
pub(crate) fn pcr_12(path: &BootPath) -> Sha256Digest {
    // `settle_command_line` in `src/boot/stub.c` of systemd 257 drops the options.
    let options = path.load_options.iter().filter(|_| !path.is_secure);
    let mut register = Register::new();
    for line in options.chain(&path.command_lines) {
        let units = line.encode_utf16().chain([0]);
        register.measure(&units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    }
    register.value()
}
