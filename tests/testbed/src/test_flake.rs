//! The test flake, complete with what does not lie in the repository.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::kernel_package::gather_modules;
use crate::testbed::{BUSYBOX, KERNEL, MODULES};
use crate::{DebianTree, Error, Testbed, workspace_directory};

/// The directory of the files for 64-bit ARM.
const AARCH64: &str = "aarch64";

/// The directory of systemd's stubs for UEFI, in the flake and in `lib` of a systemd.
const STUBS: &str = "systemd/boot/efi";

/// The test flake (`tests/flake`) with a kernel, busybox, and what its machines are to report.
#[derive(Debug, Clone)]
pub struct TestFlake {
    testbed: Testbed,
    generation: String,
    disabled_services: Vec<String>,
    has_aarch64: bool,
    has_stubs: bool,
}

impl TestFlake {
    /// The flake whose machines report `generation`, one line of text, when they boot.
    pub fn new(testbed: &Testbed, generation: &str) -> Self {
        Self {
            testbed: testbed.clone(),
            generation: generation.to_owned(),
            disabled_services: Vec::new(),
            has_aarch64: false,
            has_stubs: false,
        }
    }

    /// Disables a service in every configuration: the machines boot, but never report that they are
    /// ready.
    #[must_use]
    pub fn without_service(mut self, name: &str) -> Self {
        self.disabled_services.push(name.to_owned());
        self
    }

    /// Adds the configuration `netboot-worker-aarch64`, with a kernel and programs for 64-bit ARM.
    #[must_use]
    pub fn with_aarch64(mut self) -> Self {
        self.has_aarch64 = true;
        self
    }

    /// Gives every configuration a `systemd.package` with Debian's stubs for UKIs.
    #[must_use]
    pub fn with_stubs(mut self) -> Self {
        self.has_stubs = true;
        self
    }

    /// Writes the flake into `directory`, over one that was written there before, and returns its
    /// reference, `path:` and the absolute path.
    ///
    /// # Errors
    /// [`Error::InvalidGeneration`], [`Error::Io`].
    pub fn write(&self, directory: &Path) -> Result<String, Error> {
        let generation = &self.generation;
        if generation.trim().is_empty() || generation.contains(char::is_control) {
            return Err(Error::InvalidGeneration { generation: generation.clone() });
        }
        create_directory(&directory.join("bin"))?;
        for source in files(&workspace_directory().join("tests/flake")) {
            let name = source.file_name().unwrap_or_default();
            copy(&source, &directory.join(name))?;
        }
        copy(self.testbed.kernel(), &directory.join(KERNEL))?;
        create_directory(&directory.join(MODULES))?;
        for file in files(&self.testbed.modules()) {
            let name = file.file_name().unwrap_or_default();
            copy(&file, &directory.join(MODULES).join(name))?;
        }
        copy(self.testbed.busybox(), &directory.join("bin/busybox"))?;
        if self.has_stubs {
            let stubs = directory.join(STUBS);
            create_directory(&stubs)?;
            for name in ["linuxx64.efi.stub", "linuxaa64.efi.stub"] {
                copy(&DebianTree::systemd_efi(name), &stubs.join(name))?;
            }
        }
        if self.has_aarch64 {
            write_aarch64(&directory.join(AARCH64))?;
        }
        write(&directory.join("generation"), &format!("{generation}\n"))?;
        write(&directory.join("disabled-services"), &self.disabled_services.join("\n"))?;
        let absolute =
            directory.canonicalize().map_err(|source| Error::io("find", directory, source))?;
        Ok(format!("path:{}", absolute.display()))
    }
}

/// Writes the kernel, its modules and the programs of the 64-bit ARM machine.
fn write_aarch64(directory: &Path) -> Result<(), Error> {
    let tree = DebianTree::ARM64_LINUX;
    create_directory(directory)?;
    copy(&tree.kernel(), &directory.join(KERNEL))?;
    copy(&tree.path("usr/bin/busybox"), &directory.join(BUSYBOX))?;
    let modules = directory.join(MODULES);
    if modules.is_dir() {
        fs::remove_dir_all(&modules).map_err(|source| Error::io("remove", &modules, source))?;
    }
    gather_modules(&tree.root(), &modules, "linux-image-cloud-arm64").map(drop)
}

/// The files in a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    WalkDir::new(directory)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}

fn create_directory(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::io("create", path, source))
}

fn copy(source: &Path, target: &Path) -> Result<(), Error> {
    match fs::copy(source, target) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::io("copy", source, error)),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(|source| Error::io("write", path, source))
}
