//! A hermetic Nix, and a directory in which to run `netboot build`.

use std::path::Path;
use std::process::{Command, Output};

use netboot_testbed::{HermeticNix, Testbed};
use tempfile::TempDir;

use crate::netboot_program::netboot;

/// A hermetic Nix, and a working directory.
pub(crate) struct Workplace {
    pub(crate) nix: HermeticNix,
    directory: TempDir,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        Self { nix: HermeticNix::new(), directory: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn flake(&self, generation: &str) -> String {
        Testbed::locate().write_flake(&self.path().join("flake"), generation)
    }

    fn build(&self, arguments: &[&str]) -> Output {
        Command::new(netboot())
            .arg("build")
            .args(arguments)
            .envs(self.nix.environment())
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.build(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }
}
