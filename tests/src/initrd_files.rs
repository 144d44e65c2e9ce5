//! The files that the initrds of the tests have in common, by their paths in an initrd.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_testbed::{Testbed, cpio, tool, workspace_directory};

/// The files of an initrd.
#[derive(Debug, Default)]
pub(crate) struct InitrdFiles(Vec<(String, Vec<u8>)>);

impl InitrdFiles {
    /// busybox, the kernel's modules, the directories that an `init` mounts on, and `init`. The
    /// program `/bin/configure-card` is for `udhcpc`.
    pub(crate) fn new(init: impl Into<Vec<u8>>) -> Self {
        let testbed = Testbed::locate();
        let mut files = Self::default();
        files.add("init", init);
        let network = format!("#!/bin/sh\n{}", script_of_flake("network.sh"));
        files.add("bin/configure-card", network);
        files.add("bin/busybox", read(testbed.busybox()));
        for directory in ["dev", "proc", "run", "sys", "tmp", "sysroot"] {
            files.add(&format!("{directory}/.keep"), []);
        }
        let order = read(&testbed.modules().join("load-order"));
        for module in String::from_utf8(order.clone()).unwrap().lines() {
            let name = format!("{module}.ko");
            files.add(&format!("modules/{name}"), read(&testbed.modules().join(name)));
        }
        files.add("modules/load-order", order);
        files
    }

    /// Adds a file.
    pub(crate) fn add(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.0.push((path.to_owned(), content.into()));
    }

    /// Adds a program of this machine at `path`, with its libraries where it looks for them.
    pub(crate) fn add_program(&mut self, path: &str, program: &Path) {
        for library in libraries(program) {
            let path = library.to_str().unwrap().trim_start_matches('/').to_owned();
            self.add(&path, read(&library));
        }
        self.add(path, read(program));
    }

    /// The uncompressed initrd. Equal files give equal bytes.
    pub(crate) fn archive(&self) -> Vec<u8> {
        let files = self.0.iter().map(|(path, content)| (path.as_str(), content.as_slice()));
        cpio(&files.collect::<Vec<_>>())
    }
}

/// A script of the test flake.
pub(crate) fn script_of_flake(name: &str) -> String {
    fs::read_to_string(workspace_directory().join("tests/flake").join(name)).unwrap()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The libraries and the loader of a program, as `ldd` lists them.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let output = Command::new(tool("ldd")).arg(program).output().unwrap();
    assert!(output.status.success(), "{}: {output:?}", program.display());
    let listing = String::from_utf8(output.stdout).unwrap();
    listing.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
