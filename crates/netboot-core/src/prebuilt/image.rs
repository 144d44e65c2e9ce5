//! Where the parts of a prebuilt image are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::architecture::Architecture;
use crate::command_line::{InitPath, KernelParameter};
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::prebuilt::parts::Parts;

/// Where the parts of an image are.
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
    /// A kernel, initrds in their order, and how to start them.
    pub fn files(
        kernel: impl Into<PathBuf>,
        initrds: impl IntoIterator<Item = PathBuf>,
        init: InitPath,
        kernel_parameters: Vec<KernelParameter>,
    ) -> Self {
        let (kernel, initrds) = (kernel.into(), initrds.into_iter().collect());
        let location = Location::Files(Parts { kernel, initrds, init, kernel_parameters });
        Self { location, expected: BTreeMap::new() }
    }

    /// A directory in one of these layouts:
    ///
    /// | kernel | initrd | how to start it | who makes it |
    /// |---|---|---|---|
    /// | `bzImage` | `initrd` | `init`, `kernel-params` | `config.system.build.netboot` of nixos-images |
    /// | `bzImage` | `initrd` | `netboot.ipxe` | NixOS's and Hydra's `netboot`, and `build-images` |
    /// | `bzImage-<system>` | `initrd-<system>` | `netboot-<system>.ipxe` | releases of nixos-images |
    ///
    /// The kernel has its architecture's name, see [`Architecture::kernel_file_name`].
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self { location: Location::Directory(path.into()), expected: BTreeMap::new() }
    }

    /// The same, refusing the image unless the file at `path` has this digest, as a publisher of
    /// images states it; also for a file beside its parts, such as `netboot.ipxe`. In a directory,
    /// `path` is relative to it.
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

    /// The digests that are expected of files, by their whole paths.
    pub(super) fn expected(&self) -> BTreeMap<PathBuf, Sha256Digest> {
        let whole = |path: &PathBuf| match &self.location {
            Location::Directory(directory) => directory.join(path),
            Location::Files(_) => path.clone(),
        };
        self.expected.iter().map(|(path, sha256)| (whole(path), *sha256)).collect()
    }
}
