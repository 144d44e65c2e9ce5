//! A machine that starts a kernel with an initrd and no firmware menu, disk or boot loader.

use std::ffi::OsStr;
use std::path::Path;

use crate::qemu_process::QemuProcess;
use crate::{Error, tool};

/// Starts a machine with a BIOS, and `kernel` in it with the initrd at `initrd` and these further
/// options of QEMU. The machine ends when the kernel restarts it.
pub(crate) fn start(kernel: &Path, initrd: &Path, options: &[&str]) -> Result<QemuProcess, Error> {
    let fixed = ["-machine", "pc,graphics=off", "-no-reboot"];
    let files = ["-kernel".as_ref(), kernel.as_os_str(), "-initrd".as_ref(), initrd.as_os_str()];
    let arguments = fixed.iter().chain(options).map(OsStr::new).chain(files);
    QemuProcess::start(&tool("qemu-system-x86_64"), arguments)
}
