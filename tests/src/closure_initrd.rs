//! The initrd of closure boot: busybox, the kernel's modules, `mke2fs`, and `netboot-stage1`.

use std::fs;
use std::path::Path;

use netboot_testbed::tool;

use crate::initrd_files::{InitrdFiles, script_of_flake};

/// Returns an uncompressed initrd that runs this `netboot-stage1` with these options in addition,
/// as its bytes. Equal arguments give equal bytes. The script of stage 1 is that of the test flake.
pub(crate) fn closure_initrd(stage1: &Path, options: &str) -> Vec<u8> {
    let begin = format!(
        "#!/bin/busybox sh
/bin/busybox --install -s /bin
options='size=100%,mode=755'
fetch='/bin/netboot-stage1 --into /sysroot/nix/.ro-store --delay 0 {options}'
"
    );
    let mut files = InitrdFiles::new(begin + &script_of_flake("closure-stage-1.sh"));
    files.add("bin/netboot-stage1", fs::read(stage1).unwrap());
    // For tests that switch the check of the memory off.
    files.add("plenty", "MemAvailable: 99999999 kB\n");
    // busybox has an applet of this name, which makes no ext4.
    files.add_program("sbin/mke2fs", &tool("mke2fs"));
    files.archive()
}
