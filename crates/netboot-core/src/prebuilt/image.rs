//! The place of the parts of a prebuilt image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::architecture::Architecture;
use crate::command_line::{InitPath, KernelParameter};
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::prebuilt::parts::Parts;

/// The place of the parts of an image.
#[derive(Debug, Clone)]
pub struct PrebuiltImage {
    location: Location,
    expected: BTreeMap<PathBuf, Sha256Digest>,
}

#[derive(Debug, Clone)]
enum Location {
    Files(Parts),
    Directory(PathBuf),
}

impl PrebuiltImage {
    /// Names a kernel, the initrds in order, and the way to start them.
    pub fn files(
        kernel: impl Into<PathBuf>,
        initrds: impl IntoIterator<Item = PathBuf>,
        init: InitPath,
        kernel_parameters: Vec<KernelParameter>,
    ) -> Self {
        let (kernel, initrds) = (kernel.into(), initrds.into_iter().collect());
        let parts = Parts { kernel, initrds, init, kernel_parameters, closure: None };
        let location = Location::Files(parts);
        Self { location, expected: BTreeMap::new() }
    }

    /// Names a directory in one of these layouts:
    ///
    /// | kernel | initrd | boot files | origin |
    /// |---|---|---|---|
    /// | `bzImage` | `initrd` | `init`, `kernel-params` | nixos-images' `netboot` |
    /// | `bzImage` | `initrd` | `netboot.ipxe` | NixOS, Hydra, `netboot build` |
    /// | `bzImage-<system>` | `initrd-<system>` | `netboot-<system>.ipxe` | nixos-images |
    ///
    /// With a file `closure.json`, as `netboot build` writes it, the image has a
    /// [`Closure`](crate::Closure): the file has its [`ClosureManifest`](crate::ClosureManifest),
    /// and the index and the blobs are the files `blobs/<sha256>`.
    ///
    /// The name of the kernel depends on the architecture, see [`Architecture::kernel_file_name`].
    /// A directory without these names may have one kernel and one initrd of other known names:
    /// `bzImage`, `Image`, `Image.gz`, `zImage`, `vmlinux`, `vmlinuz`, `vmlinuz.efi`, `linux` or
    /// `kernel`, and `initrd` or `initramfs` with endings such as `.gz` and `.img`, or
    /// `netboot-initrd`. Names of Debian may have a version, such as `vmlinuz-6.1.0-50-arm64`.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self { location: Location::Directory(path.into()), expected: BTreeMap::new() }
    }

    /// Requires the file at `path` to have this digest, for example one that the publisher of the
    /// image states. `path` may also name a file beside the parts, such as `netboot.ipxe`. For a
    /// directory, `path` is relative to the directory.
    #[must_use]
    pub fn with_sha256(mut self, path: impl Into<PathBuf>, sha256: Sha256Digest) -> Self {
        self.expected.insert(path.into(), sha256);
        self
    }

    pub(super) async fn parts(&self, architecture: Architecture) -> Result<Parts, Error> {
        match &self.location {
            Location::Files(parts) => Ok(parts.clone()),
            Location::Directory(path) => Parts::find(path, architecture).await,
        }
    }

    /// Returns the expected digests of files, by their full paths.
    pub(super) fn expected(&self) -> BTreeMap<PathBuf, Sha256Digest> {
        let whole = |path: &PathBuf| match &self.location {
            Location::Directory(directory) => directory.join(path),
            Location::Files(_) => path.clone(),
        };
        self.expected.iter().map(|(path, sha256)| (whole(path), *sha256)).collect()
    }
}
