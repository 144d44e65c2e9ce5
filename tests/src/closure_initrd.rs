//! The initrd of closure boot: busybox, the kernel's modules, `mke2fs`, and `netboot-stage1`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_testbed::{Testbed, cpio, tool, workspace_directory};

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
    let flake = workspace_directory().join("tests/flake");
    let read =
        |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let script = |name: &str, begin: &str| {
        let text = fs::read_to_string(flake.join(name)).unwrap();
        format!("{begin}{text}").into_bytes()
    };
    let testbed = Testbed::locate();
    let mut files = vec![
        ("init".to_owned(), script("closure-stage-1.sh", &begin)),
        ("bin/configure-card".to_owned(), script("network.sh", "#!/bin/sh\n")),
        ("bin/busybox".to_owned(), read(testbed.busybox())),
        ("bin/netboot-stage1".to_owned(), read(stage1)),
    ];
    for directory in ["dev", "proc", "run", "sys", "tmp", "sysroot"] {
        files.push((format!("{directory}/.keep"), Vec::new()));
    }
    // For tests that switch the check of the memory off.
    files.push(("plenty".to_owned(), b"MemAvailable: 99999999 kB\n".to_vec()));
    let order = read(&testbed.modules().join("load-order"));
    for module in String::from_utf8(order.clone()).unwrap().lines() {
        let name = format!("{module}.ko");
        files.push((format!("modules/{name}"), read(&testbed.modules().join(name))));
    }
    files.push(("modules/load-order".to_owned(), order));
    let mke2fs = tool("mke2fs");
    for library in libraries(&mke2fs) {
        let path = library.to_str().unwrap().trim_start_matches('/').to_owned();
        files.push((path, read(&library)));
    }
    // busybox has an applet of this name, which makes no ext4.
    files.push(("sbin/mke2fs".to_owned(), read(&mke2fs)));
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
    cpio(&files)
}

/// The libraries and the loader of a program, as `ldd` lists them.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new(tool("ldd")).arg(program).output().unwrap();
    assert!(output.status.success(), "{}: {output:?}", program.display());
    let listing = String::from_utf8(output.stdout).unwrap();
    listing.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
