//! EFI programs for tests, made by `ukify`.

use netboot_testbed::{DebianTree, Testbed};

use super::keys::run;
use crate::machine::site::Site;

/// The command line of the kernel. The tests alter its end.
pub(super) const COMMAND_LINE: &str = "console=ttyS0 no_timer_check panic=-1 netboot.test=1";

/// Loads a module with its signature and one without, and shows what the stub measured. It repeats
/// the lines that the tests read, because a message of the kernel may cut one.
const INIT: &str = "#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox insmod /signed.ko && echo NETBOOT-SIGNED-MODULE && busybox rmmod zsmalloc
busybox insmod /unsigned.ko && echo NETBOOT-UNSIGNED-MODULE
busybox mkdir -p /sys && busybox mount -t sysfs sysfs /sys
while true; do
  echo \"NETBOOT-PCR11 $(busybox cat /sys/class/tpm/tpm0/pcr-sha256/11)\"
  echo \"NETBOOT-CMDLINE $(busybox cat /proc/cmdline)\"
  busybox sleep 1
done
";

/// The text at the end of a module with a signature (Linux, `MODULE_SIG_STRING`).
const SIGNATURE_END: &[u8] = b"~Module signature appended~\n";

/// Writes a unified kernel image that nobody signed to `name`.
pub(super) fn add_program(site: &Site, name: &str) {
    let testbed = Testbed::locate();
    let module = std::fs::read(testbed.modules().join("zsmalloc.ko")).unwrap();
    let unsigned = module.strip_suffix(SIGNATURE_END).unwrap().to_vec();
    let files = [("signed.ko", module), ("unsigned.ko", unsigned)];
    site.add_initrd_with("initrd", INIT, &files);
    let mut ukify = DebianTree::TRIXIE_UKIFY.python("usr/bin/ukify");
    ukify.args(["build", "--uname", "test", "--os-release", "ID=netboot-test"]);
    ukify.args(["--cmdline", COMMAND_LINE, "--stub"]);
    ukify.arg(DebianTree::systemd_efi("linuxx64.efi.stub"));
    ukify.arg("--linux").arg(testbed.kernel()).arg("--initrd").arg(site.path().join("initrd"));
    run(ukify.arg("--output").arg(site.path().join(name)));
}

/// Writes an addon for the kernel's command line that nobody signed to `name`.
pub(super) fn add_addon(site: &Site, name: &str) {
    let mut ukify = DebianTree::TRIXIE_UKIFY.python("usr/bin/ukify");
    ukify.args(["build", "--cmdline", "netboot.addon=1", "--stub"]);
    ukify.arg(DebianTree::systemd_efi("addonx64.efi.stub"));
    run(ukify.arg("--output").arg(site.path().join(name)));
}
