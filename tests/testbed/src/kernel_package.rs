//! The test kernel: Debian's for cloud machines, the version that apt gives now.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::{Error, command, debian_packages};

/// The package that depends on the newest kernel for cloud machines.
pub(crate) const METAPACKAGE: &str = "linux-image-cloud-amd64";

/// The modules for network cards, disks and compressed memory (zram), each after its dependencies
/// (`modinfo --field depends`).
const MODULES: [&str; 13] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "failover",
    "net_failover",
    "virtio_net",
    "vmxnet3",
    "virtio_blk",
    // The compression that zram uses by default.
    "lzo-rle",
    "zsmalloc",
    "zram",
];

/// The name of the file that lists the modules in the order in which they must be loaded.
const LOAD_ORDER: &str = "load-order";

/// A kernel's package, downloaded and unpacked.
#[derive(Debug)]
pub(crate) struct KernelPackage {
    /// Contains the package, until it is dropped.
    directory: TempDir,
    /// The kernel image.
    pub(crate) kernel: PathBuf,
    /// A directory with the modules, and the order in which they are loaded.
    pub(crate) modules: PathBuf,
    /// Package, version and digest, one per line.
    pub(crate) note: String,
}

impl KernelPackage {
    /// Downloads the package with apt, which verifies it, and unpacks it below `directory`; needs
    /// no privilege.
    pub(crate) fn download(directory: &Path) -> Result<Self, Error> {
        let found = newest().and_then(|package| Self::fetch(&package, directory));
        match found {
            // There are no lists yet, or they are so old that the mirror no longer has the package.
            Err(Error::NoKernelPackage { .. } | Error::Failed { .. })
                if debian_packages::update_lists()? =>
            {
                Self::fetch(&newest()?, directory)
            }
            found => found,
        }
    }

    fn fetch(package: &str, directory: &Path) -> Result<Self, Error> {
        let directory = tempfile::Builder::new()
            .prefix(".kernel-")
            .tempdir_in(directory)
            .map_err(|source| Error::io("create a folder in", directory, source))?;
        let path = directory.path();
        let mut download = Command::new("apt-get");
        command::stdout(download.args(["download", package]).current_dir(path))?;
        let archive = find_file(path, package, "*_amd64.deb", |name| name.ends_with("_amd64.deb"))?;
        let version = command::stdout(
            Command::new("dpkg-deb").args(["--field"]).arg(&archive).arg("Version"),
        )?;
        let unpacked = path.join("unpacked");
        command::stdout(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(&unpacked))?;
        let kernel = find_file(&unpacked.join("boot"), package, "/boot/vmlinuz-*", |name| {
            name.starts_with("vmlinuz-")
        })?;
        let modules = gather_modules(&unpacked, &path.join("modules"), package)?;
        let bytes = fs::read(&archive).map_err(|source| Error::io("read", &archive, source))?;
        let note = format!(
            "package: {package}\nversion: {}\nsha256: {}\n",
            version.trim(),
            hex::encode(Sha256::digest(&bytes))
        );
        Ok(Self { directory, kernel, modules, note })
    }

    /// Removes what was downloaded.
    pub(crate) fn remove(self) -> Result<(), Error> {
        let path = self.directory.path().to_owned();
        self.directory.close().map_err(|source| Error::io("remove", &path, source))
    }
}

/// Returns true if a directory has all modules. An older set-up brought fewer.
pub(crate) fn has_all_modules(directory: &Path) -> bool {
    fs::read_to_string(directory.join(LOAD_ORDER)).is_ok_and(|order| order == load_order())
}

fn load_order() -> String {
    MODULES.join("\n") + "\n"
}

/// The kernel package that apt's lists name now.
fn newest() -> Result<String, Error> {
    let listing = command::stdout(Command::new("apt-cache").args(["depends", METAPACKAGE]));
    listing
        .ok()
        .and_then(|listing| kernel_dependency(&listing).map(str::to_owned))
        .ok_or(Error::NoKernelPackage { metapackage: METAPACKAGE })
}

/// The first kernel among the dependencies that `apt-cache depends` lists.
fn kernel_dependency(listing: &str) -> Option<&str> {
    listing
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|package| package.starts_with("linux-image-"))
}

/// Copies the modules out of an unpacked package into a new directory.
pub(crate) fn gather_modules(
    unpacked: &Path,
    directory: &Path,
    package: &str,
) -> Result<PathBuf, Error> {
    fs::create_dir(directory).map_err(|source| Error::io("create", directory, source))?;
    for module in MODULES {
        let name = format!("{module}.ko");
        let mut files = WalkDir::new(unpacked.join("lib/modules")).into_iter();
        let found = files.find_map(|entry| Some(entry.ok()?).filter(|e| *e.file_name() == *name));
        let Some(found) = found else {
            let (package, file) = (package.to_owned(), "/lib/modules/*/kernel/**/*.ko");
            return Err(Error::UnexpectedPackage { package, file });
        };
        fs::copy(found.path(), directory.join(name))
            .map_err(|source| Error::io("copy", found.path(), source))?;
    }
    let order = directory.join(LOAD_ORDER);
    fs::write(&order, load_order()).map_err(|source| Error::io("write", &order, source))?;
    Ok(directory.to_owned())
}

/// The only file of a directory with a wanted name.
fn find_file(
    directory: &Path,
    package: &str,
    file: &'static str,
    wanted: impl Fn(&str) -> bool,
) -> Result<PathBuf, Error> {
    fs::read_dir(directory)
        .map_err(|source| Error::io("list", directory, source))?
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_str().is_some_and(&wanted))
        .map(|entry| entry.path())
        .ok_or_else(|| Error::UnexpectedPackage { package: package.to_owned(), file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_read_from_the_metapackage() {
        let listing = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n";
        assert_eq!(kernel_dependency(listing), Some("linux-image-6.1.0-56-cloud-amd64"));
        assert_eq!(kernel_dependency("linux-image-cloud-amd64\n"), None);
    }
}
