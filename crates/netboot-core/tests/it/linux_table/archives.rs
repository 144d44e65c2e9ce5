//! The files of the initrds, and archives of them by real programs.

use std::fs;

use netboot_testbed::Testbed;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::boot_files::initrd::run;
use crate::boot_files::{cpio, cpio_of};

/// The lines at the begin and the end of `/init`'s output.
pub(super) const BEGIN: &str = "NETBOOT-BEGIN";
pub(super) const END: &str = "NETBOOT-END";

/// The paths in every initrd.
pub(super) const USUAL: [&str; 3] = ["busybox", "init", "last"];

/// Prints the digest of each file that is there, and restarts the machine. It begins with an empty
/// line, because the firmware may leave an open one. `stty` waits until the lines are sent.
const INIT: &str = "#!/busybox sh
echo
echo NETBOOT-BEGIN
/busybox sha256sum busybox init last early directory/last missing/last link/last 2>/dev/null
echo NETBOOT-END
/busybox stty sane
/busybox reboot -f
";

/// Returns the content of the file at this path.
pub(super) fn content(path: &str) -> Vec<u8> {
    match path {
        "busybox" => fs::read(Testbed::locate().busybox()).unwrap(),
        "init" => INIT.into(),
        "early" => b"Files that are unpacked first, such as a processor's microcode.\n".repeat(40),
        _ => noise(2048),
    }
}

/// Returns bytes that no compression shortens, so that the end of a compressed file holds them.
pub(super) fn noise(digests: u32) -> Vec<u8> {
    (0..digests).flat_map(|number| Sha256::digest(number.to_le_bytes())).collect()
}

/// Returns an archive of the files at these paths, in the format "newc".
pub(super) fn newc(paths: &[&str]) -> Vec<u8> {
    let contents = paths.iter().map(|path| content(path)).collect::<Vec<_>>();
    let files = paths.iter().zip(&contents);
    cpio(&files.map(|(path, content)| (*path, content.as_slice())).collect::<Vec<_>>())
}

/// Returns an archive of the usual files, and of these members before the last file.
pub(super) fn newc_with(members: &[(&str, usize, &[u8])], last: &str) -> Vec<u8> {
    let (busybox, init, content) = (content("busybox"), content("init"), content(last));
    let mut all =
        vec![("busybox", 0o100_755, busybox.as_slice()), ("init", 0o100_755, init.as_slice())];
    all.extend(members);
    all.push((last, 0o100_644, &content));
    cpio_of(&all)
}

/// Returns what the program `cpio` writes for the usual files, in this format.
pub(super) fn by_cpio(format: &str) -> Vec<u8> {
    let tree = TempDir::new().unwrap();
    for path in USUAL {
        let place = tree.path().join(path);
        fs::write(&place, content(path)).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&place, mode).unwrap();
    }
    let words = ["cpio", "--quiet", "-o", "-H", format];
    run("cpio", &words, tree.path(), (USUAL.join("\n") + "\n").as_bytes())
}
