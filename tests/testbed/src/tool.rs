//! Finding the programs that tests run.

use std::env;
use std::path::PathBuf;

/// Directories that an ordinary user's `PATH` lacks.
const ADMINISTRATION: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The path of a program.
///
/// # Panics
/// If the program is not installed; the message names its Debian package.
pub fn tool(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .chain(ADMINISTRATION.map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|program| program.is_file());
    #[expect(clippy::panic, reason = "a test without its tool has failed, and says what to do")]
    found.unwrap_or_else(|| {
        panic!(
            "`{name}` is not installed: run `cargo xtask setup`, or install the package `{}`",
            package(name)
        )
    })
}

/// The Debian package that has a program.
fn package(program: &str) -> &str {
    match program {
        "nix" | "nix-store" | "nix-instantiate" | "nix-build" | "nix-daemon" => "nix-bin",
        "qemu-system-x86_64" => "qemu-system-x86",
        "qemu-system-aarch64" => "qemu-system-arm",
        "qemu-img" => "qemu-utils",
        "busybox" => "busybox-static",
        "unshare" | "nsenter" | "prlimit" | "setpriv" => "util-linux",
        "umount" | "losetup" => "mount",
        "mke2fs" | "mkfs.ext4" | "tune2fs" => "e2fsprogs",
        "mkfs.btrfs" => "btrfs-progs",
        "mkfs.xfs" => "xfsprogs",
        "dnsmasq" => "dnsmasq-base",
        "ip" => "iproute2",
        "sha256sum" | "cp" => "coreutils",
        "kill" | "ps" | "pgrep" => "procps",
        "ssh" | "ssh-keygen" => "openssh-client",
        "rrsync" => "rsync",
        "xz" => "xz-utils",
        "pzstd" => "zstd",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_where_it_is() {
        assert!(tool("sh").is_file());
    }

    #[test]
    #[should_panic(expected = "install the package `no-such-program`")]
    fn a_missing_program_is_named() {
        tool("no-such-program");
    }

    #[test]
    fn the_package_of_a_program_is_named() {
        assert_eq!(package("nix-store"), "nix-bin");
        assert_eq!(package("strace"), "strace");
    }
}
