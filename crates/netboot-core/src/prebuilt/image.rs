//! The place of the parts of a prebuilt image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::architecture::Architecture;
use crate::blocking::blocking;
use crate::command_line::{InitPath, KernelParameter};
use crate::digest::Sha256Digest;
use crate::error::Error;
use crate::inspect::check_kernel;
use crate::invalid_value::{InvalidValue, validated};
use crate::prebuilt::file_names::BootFiles;
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
    /// Names a kernel, the initrds in order, and the way to start them: `init` and the kernel
    /// parameters, as for [`BootSpec::new`](crate::BootSpec::new).
    ///
    /// ```
    /// use netboot_core::{PrebuiltBuilder, PrebuiltImage};
    ///
    /// let image = PrebuiltImage::files(
    ///     "/srv/images/bzImage",
    ///     ["/srv/images/microcode", "/srv/images/initrd"],
    ///     "/nix/store/5aqk9mg1kd3kp7dv4dqhsqd5jcq8cq5v-nixos-system-worker/init",
    ///     ["console=ttyS0", "quiet"],
    /// )?;
    /// let builder = PrebuiltBuilder::new().with_image("worker", image)?;
    /// # Ok::<(), netboot_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for a text that is not a path or a parameter.
    pub fn files<P: TryInto<KernelParameter, Error: Into<InvalidValue>>>(
        kernel: impl Into<PathBuf>,
        initrds: impl IntoIterator<Item: Into<PathBuf>>,
        init: impl TryInto<InitPath, Error: Into<InvalidValue>>,
        kernel_parameters: impl IntoIterator<Item = P>,
    ) -> Result<Self, Error> {
        let (kernel, initrds) = (kernel.into(), initrds.into_iter().map(Into::into).collect());
        let init = init.try_into().map_err(Into::into)?;
        let kernel_parameters = validated(kernel_parameters)?;
        let parts = Parts { kernel, initrds, init, kernel_parameters, closure: None };
        Ok(Self { location: Location::Files(parts), expected: BTreeMap::new() })
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

    /// Finds out from the kernel which architecture the image is for. Returns `None` if there are
    /// kernels for several architectures, or none that [`check_kernel`] takes.
    ///
    /// A profile has to say the architecture before its image is built. Use this where nobody else
    /// knows it.
    pub async fn find_architecture(&self) -> Option<Architecture> {
        let mut found = None;
        for architecture in Architecture::ALL {
            let Ok(kernel) = self.kernel(architecture).await else { continue };
            let is_kernel = check_kernel(&kernel, architecture).await.is_ok();
            if is_kernel && found.replace(architecture).is_some() {
                return None;
            }
        }
        found
    }

    /// Returns the path of the kernel for an architecture.
    async fn kernel(&self, architecture: Architecture) -> Result<PathBuf, Error> {
        match &self.location {
            Location::Files(parts) => Ok(parts.kernel.clone()),
            Location::Directory(path) => {
                let path = path.clone();
                blocking(move || BootFiles::list(&path, architecture)?.kernel()).await
            }
        }
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
