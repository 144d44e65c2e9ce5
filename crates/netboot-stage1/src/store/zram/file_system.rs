//! The ext4 file system on a device of zram.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use netboot_closure::Index;

use crate::store::zram::problem::ZramProblem;

/// The directories of programs in an initrd without a `PATH`.
const DIRECTORIES: [&str; 4] = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];

/// The label of the file system, by which a store of an earlier attempt is known.
pub(crate) const LABEL: &str = "netboot-store";

/// The bytes of an inode on the disk. Smaller ones cannot hold dates after 2038.
const INODE_BYTES: u64 = 256;

/// Room for the registration, for temporary names, and for the file system's own tables.
const SPARE_BYTES: u64 = 128 << 20;
const SPARE_INODES: u64 = 4096;

/// The inodes that the file system of a closure has.
pub(crate) fn inodes(index: &Index) -> u64 {
    index.inodes().saturating_add(SPARE_INODES)
}

/// The size of the disk for a closure, in bytes. Pages that are never written take no memory.
pub(crate) fn disk_bytes(index: &Index) -> u64 {
    let files = index.unpacked_bytes();
    // A directory, and a long symbolic link, takes a block.
    let tables = inodes(index).saturating_mul(INODE_BYTES + 4096);
    files.saturating_add(files / 20).saturating_add(tables).saturating_add(SPARE_BYTES)
}

/// The program `mke2fs` of e2fsprogs.
#[derive(Debug)]
pub(crate) struct Mke2fs {
    program: PathBuf,
}

impl Mke2fs {
    /// Finds the program.
    pub(crate) fn find() -> Result<Self, ZramProblem> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut candidates = env::split_paths(&path)
            .chain(DIRECTORIES.map(PathBuf::from))
            .map(|directory| directory.join("mke2fs"));
        let program = candidates.find(|program| is_e2fsprogs(program));
        program.map(|program| Self { program }).ok_or(ZramProblem::NoMke2fs)
    }

    /// Makes the file system, with as little memory and as few writes as possible.
    pub(crate) fn run(&self, device: &Path, inodes: u64) -> Result<(), ZramProblem> {
        let mut command = Command::new(&self.program);
        command.args(["-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0"]);
        command.args(["-L", LABEL, "-I", &INODE_BYTES.to_string(), "-N", &inodes.to_string()]);
        // The store is lost with the machine, so it needs no journal, and no checksums against a
        // bad disk.
        command.args(["-O", "^has_journal,^resize_inode,^metadata_csum"]);
        // The disk reads as zeros, so nothing needs to be zeroed or discarded.
        command.args(["-E", "lazy_itable_init=1,nodiscard"]).arg(device);
        let step = || format!("run {}", self.program.display());
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|error| ZramProblem::failed(step(), error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let reason = format!("{}: {}", output.status, said.trim().replace('\n', "; "));
        Err(ZramProblem::failed(step(), reason))
    }
}

/// Returns true if a program is that of e2fsprogs. It tells its version, which begins with its
/// name; the applet of busybox does not know the option.
fn is_e2fsprogs(program: &Path) -> bool {
    let mut command = Command::new(program);
    let output = command.arg("-V").stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success() && output.stderr.starts_with(b"mke2fs 1."))
}
