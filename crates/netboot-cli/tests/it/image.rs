//! A small image that boots, made from the kernel and the busybox of the test bed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use netboot_testbed::{DebianTree, Testbed};
use tempfile::TempDir;

/// The text that the image prints when it has come up.
pub(crate) const READY: &str = "IMAGE-READY";

const INIT: &str = "#!/bin/busybox sh
/bin/busybox mkdir -p /proc /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
echo \"IMAGE-READY $(/bin/busybox cat /proc/cmdline)\" > /dev/console
exec /bin/busybox poweroff -f
";

/// Writes an image into a new directory. Its machines have `parameter` on their command line.
pub(crate) fn write(directory: &Path, parameter: &str) {
    let testbed = Testbed::locate();
    let parameters = format!("console=ttyS0,115200 panic=-1 {parameter}");
    write_parts(directory, ("bzImage", testbed.kernel()), testbed.busybox(), &parameters);
}

/// Writes an image for 64-bit ARM.
pub(crate) fn write_arm64(directory: &Path) {
    let tree = DebianTree::ARM64_LINUX;
    let parameters = "console=ttyAMA0,115200 panic=-1";
    write_parts(directory, ("Image", &tree.kernel()), &tree.path("usr/bin/busybox"), parameters);
}

fn write_parts(directory: &Path, kernel: (&str, &Path), busybox: &Path, parameters: &str) {
    let testbed = Testbed::locate();
    fs::create_dir_all(directory).unwrap();
    fs::copy(kernel.1, directory.join(kernel.0)).unwrap();
    let root = TempDir::new().unwrap();
    fs::create_dir(root.path().join("bin")).unwrap();
    fs::copy(busybox, root.path().join("bin/busybox")).unwrap();
    fs::write(root.path().join("init"), INIT).unwrap();
    fs::set_permissions(root.path().join("init"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut cpio = Command::new(testbed.busybox())
        .args(["cpio", "-o", "-H", "newc"])
        .current_dir(root.path())
        .stdin(Stdio::piped())
        .stdout(fs::File::create(directory.join("initrd")).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    cpio.stdin.take().unwrap().write_all(b"bin\nbin/busybox\ninit").unwrap();
    assert!(cpio.wait().unwrap().success());
    fs::write(directory.join("init"), "/init").unwrap();
    fs::write(directory.join("kernel-params"), parameters).unwrap();
}
