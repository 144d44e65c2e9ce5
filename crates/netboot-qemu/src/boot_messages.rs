//! The messages of firmware, iPXE and Linux that show the progress of a boot.

use crate::boot_stage::BootStage;

/// The message of firmware that has nothing left to boot (`SeaBIOS`'s `src/boot.c`).
const NOTHING_LEFT: &str = "No bootable device.";

/// The messages of firmware that cannot boot from the network: iPXE's `src/usr/autoboot.c`, and EDK
/// II's `UefiBootManagerLib`.
const NO_NETWORK_BOOT: [&str; 2] = ["No more network devices", "BdsDxe: failed to load Boot"];

/// The first words that Linux prints (`linux_banner` in `init/version-timestamp.c`), and the last
/// words that its loader for UEFI prints where Linux shares that loader between architectures
/// (`drivers/firmware/efi/libstub/fdt.c`). The log level of NixOS hides the former.
const LINUX_STARTS: [&str; 2] = ["Linux version ", "EFI stub: Exiting boot services"];

/// The messages that show that an initrd's `/init` runs: Linux's own line (`init/main.c`), which
/// the log level of NixOS hides, and the first words of NixOS's stages 1 and 2 (nixpkgs,
/// `stage-1-init.sh` and `stage-2-init.sh`) and of systemd (`src/core/main.c`), in the initrd and
/// after it.
const INIT_RUNS: [&str; 5] = [
    "Run /init as init process",
    "<<< NixOS Stage 1 >>>",
    "<<< NixOS Stage 2 >>>",
    "Booting initrd of ",
    "Welcome to NixOS",
];

/// The message of a Linux that Secure Boot has locked down (`security/lockdown/lockdown.c`, with
/// the reason of the distributions' patch of `arch/x86/kernel/setup.c`).
const LOCKDOWN: &str = "Kernel is locked down from EFI Secure Boot";

/// The message of a kernel panic (`kernel/panic.c`).
const PANIC: &str = "Kernel panic - not syncing";

/// Returns true if the firmware reports that it has nothing left to boot. A firmware that
/// `boots_disk` goes on to the disk after the network.
pub(crate) fn is_firmware_giving_up(line: &str, boots_disk: bool) -> bool {
    let network_failed = NO_NETWORK_BOOT.iter().any(|text| line.contains(text));
    line.contains(NOTHING_LEFT) || network_failed && !boots_disk
}

/// Returns true if a line shows that Linux runs, and that the firmware does not run any more.
pub(crate) fn is_linux_starting(line: &str) -> bool {
    LINUX_STARTS.iter().any(|text| line.contains(text))
}

/// Returns true if a line shows that `init` runs.
pub(crate) fn is_init_running(line: &str) -> bool {
    INIT_RUNS.iter().any(|text| line.contains(text))
}

/// Returns true if a line says that Secure Boot has locked Linux down.
pub(crate) fn is_lockdown(line: &str) -> bool {
    line.contains(LOCKDOWN)
}

/// Returns true if a line reports a kernel panic.
pub(crate) fn is_panic(line: &str) -> bool {
    line.contains(PANIC)
}

/// Returns true if a URL names an iPXE for BIOS (the names are those of iPXE's
/// `src/arch/x86/Makefile.pcbios`). The network card's iPXE loads it, and it loads the script.
pub(crate) fn is_boot_program(url: &str) -> bool {
    [".pxe", ".kpxe", ".kkpxe", ".kkkpxe"].iter().any(|extension| url.ends_with(extension))
}

/// Returns true if a line is a report of iPXE's address, such as `net0: 10.0.2.15/255.255.255.0 gw
/// 10.0.2.2` (`route_ipv4` in iPXE's `src/usr/route_ipv4.c`).
pub(crate) fn is_address(line: &str) -> bool {
    let Some((card, address)) = line.split_once(": ") else { return false };
    card.strip_prefix("net").is_some_and(|number| number.parse::<u32>().is_ok())
        && address.split_once('/').is_some_and(|(address, _)| {
            address.parse::<std::net::Ipv4Addr>().is_ok_and(|address| !address.is_unspecified())
        })
}

/// Returns the stage that a fetched file belongs to, if its name shows it.
pub(crate) fn named_stage(url: &str) -> Option<BootStage> {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let contains = |texts: &[&str]| texts.iter().any(|text| name.contains(text));
    if contains(&[".ipxe"]) {
        Some(BootStage::Script)
    } else if contains(&["initrd", "initramfs", ".cpio"]) {
        Some(BootStage::Initrd)
    } else if contains(&["image", "vmlinu", "kernel", "linux"]) {
        Some(BootStage::Kernel)
    } else {
        None
    }
}
