//! The names that kernels and initrds have in a directory.

use std::path::{Path, PathBuf};

use crate::architecture::Architecture;
use crate::error::Error;

/// The names of kernels in NixOS, in Debian's installer and in builds of Linux.
const KERNELS: [&str; 9] = [
    "bzImage",
    "Image",
    "Image.gz",
    "zImage",
    "vmlinux",
    "vmlinuz",
    "vmlinuz.efi",
    "linux",
    "kernel",
];
const KERNELS_WITH_VERSION: [&str; 2] = ["vmlinuz-", "vmlinux-"];

/// The names of initrds in NixOS, nixos-images and Debian.
const INITRDS: [&str; 10] = [
    "initrd",
    "netboot-initrd",
    "initrd.gz",
    "initrd.xz",
    "initrd.zst",
    "initrd.img",
    "initramfs",
    "initramfs.gz",
    "initramfs.img",
    "initrd.cpio.gz",
];
const INITRDS_WITH_VERSION: [&str; 2] = ["initrd.img-", "initramfs-"];

/// The files of a directory that have the name of a kernel or an initrd.
pub(super) struct BootFiles {
    directory: PathBuf,
    names: Vec<String>,
    architecture: Architecture,
}

impl BootFiles {
    /// Lists the regular files in a directory.
    pub(super) fn list(directory: &Path, architecture: Architecture) -> Result<Self, Error> {
        let failed = |source| Error::io("list", directory, source);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Ok(name) = entry.file_name().into_string()
                && entry.path().is_file()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(Self { directory: directory.to_owned(), names, architecture })
    }

    /// Returns the only kernel, or the one with NixOS's name.
    pub(super) fn kernel(&self) -> Result<PathBuf, Error> {
        let usual = self.architecture.kernel_file_name();
        self.only("kernel", usual, &KERNELS, &KERNELS_WITH_VERSION)
    }

    /// Returns the only initrd, or the one with NixOS's name.
    pub(super) fn initrd(&self) -> Result<PathBuf, Error> {
        self.only("initrd", "initrd", &INITRDS, &INITRDS_WITH_VERSION)
    }

    /// Returns the file with the `usual` name, without the system and then with it, or else the
    /// only one with another name.
    fn only(
        &self,
        kind: &str,
        usual: &str,
        others: &[&str],
        with_version: &[&str],
    ) -> Result<PathBuf, Error> {
        let system = format!("-{}", self.architecture.nix_system());
        let with_system = format!("{usual}{system}");
        let named = |name: &str| self.names.iter().find(|found| *found == name);
        if let Some(name) = named(usual).or_else(|| named(&with_system)) {
            return Ok(self.directory.join(name));
        }
        let fits = |name: &&String| {
            let base = name.strip_suffix(&system).unwrap_or(name);
            let of_other =
                Architecture::ALL.iter().any(|other| base.ends_with(&other.nix_system()));
            let versioned = with_version.iter().any(|start| base.starts_with(start));
            !of_other && (others.contains(&base) || versioned)
        };
        let found: Vec<&String> = self.names.iter().filter(fits).collect();
        let problem = match found.as_slice() {
            [name] => return Ok(self.directory.join(name)),
            [] => format!(
                "it has no {kind} of a known name, such as `{usual}`, with or without `{system}`"
            ),
            [first, second, ..] => format!(
                "it has more than one {kind}, such as `{first}` and `{second}`, and none is called \
                 `{usual}`"
            ),
        };
        Err(Error::UnrecognisedImage { path: self.directory.clone(), problem })
    }
}
