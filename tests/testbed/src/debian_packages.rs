//! Finds and installs the Debian packages that the tests need.

use std::collections::BTreeSet;
use std::process::Command;

use crate::{Error, command};

/// The Debian 12 packages of the programs that the tests and the demo run.
pub(crate) const REQUIRED: [&str; 37] = [
    "btrfs-progs",
    "busybox-static",
    "bzip2",
    "cpio",
    "curl",
    "dnsmasq-base",
    "docker-registry",
    "e2fsprogs",
    "ethtool",
    "faketime",
    "gpg",
    "gpg-agent",
    "iproute2",
    "ipxe",
    "ipxe-qemu",
    "lz4",
    "lzop",
    "minisign",
    "mount",
    "nix-bin",
    "openssh-client",
    "openssl",
    "ovmf",
    "patchelf",
    "python3-minimal",
    "python3-venv",
    "qemu-efi-aarch64",
    "qemu-system-arm",
    "qemu-system-x86",
    "rsync",
    "socat",
    "strace",
    "swtpm",
    "util-linux",
    "xfsprogs",
    "xz-utils",
    "zstd",
];

/// The `packages` that are not installed.
pub(crate) fn missing(packages: &[&str]) -> Result<Vec<String>, Error> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${Package} ${db:Status-Status}\n"]).args(packages);
    // The exit code only says that some are unknown. The list says which.
    match command::output(&mut query) {
        Ok(output) => Ok(not_installed(&String::from_utf8_lossy(&output.stdout), packages)),
        Err(Error::Start { .. }) => Err(Error::NotDebian),
        Err(error) => Err(error),
    }
}

/// The `packages` that a list of names and states does not show as installed.
fn not_installed(listing: &str, packages: &[&str]) -> Vec<String> {
    let installed: BTreeSet<&str> =
        listing.lines().filter_map(|line| line.strip_suffix(" installed")).collect();
    let missing = packages.iter().filter(|package| !installed.contains(*package));
    missing.map(|package| (*package).to_owned()).collect()
}

/// Installs packages with apt, as root or with `sudo` if that asks for no password.
pub(crate) fn install(packages: &[String]) -> Result<(), Error> {
    let Some(privilege) = Privilege::find() else {
        return Err(Error::MissingPackages { packages: packages.to_vec() });
    };
    command::stdout(privilege.apt_get().arg("update"))?;
    let mut install = privilege.apt_get();
    install.args(["install", "-y", "--no-install-recommends"]).args(packages);
    command::stdout(&mut install)?;
    Ok(())
}

/// Updates apt's package lists if the user may do so, and returns true if so.
pub(crate) fn update_lists() -> Result<bool, Error> {
    match Privilege::find() {
        Some(privilege) => command::stdout(privilege.apt_get().arg("update")).map(|_| true),
        None => Ok(false),
    }
}

/// The way in which this user can install packages.
enum Privilege {
    Root,
    Sudo,
}

impl Privilege {
    fn find() -> Option<Self> {
        if rustix::process::geteuid().is_root() {
            return Some(Self::Root);
        }
        let sudo = command::output(Command::new("sudo").args(["-n", "true"]));
        sudo.is_ok_and(|output| output.status.success()).then_some(Self::Sudo)
    }

    /// `apt-get` that asks nothing and waits for another `apt` to end.
    fn apt_get(&self) -> Command {
        let mut words = match self {
            Self::Root => vec!["env"],
            Self::Sudo => vec!["sudo", "-n", "env"],
        };
        words.extend(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        words.extend(["-q", "-o", "DPkg::Lock::Timeout=300"]);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_or_removed_is_missing() {
        let listing = "ovmf installed\nstrace config-files\n";
        assert_eq!(not_installed(listing, &["nix-bin", "ovmf", "strace"]), ["nix-bin", "strace"]);
    }

    #[test]
    fn dpkg_knows_what_is_installed() {
        let asked = ["dpkg", "no-such-package-of-debian"];
        assert_eq!(missing(&asked).unwrap(), ["no-such-package-of-debian"]);
    }
}
