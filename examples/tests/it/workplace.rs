//! A hermetic Nix, and a directory in which to run `build-images`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use netboot_testbed::{HermeticNix, Testbed};
use tempfile::TempDir;

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

    pub(crate) fn build_images(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_build-images"))
            .args(arguments)
            .envs(self.nix.environment())
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    /// Runs the program, expects a failure, and returns its output.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.build_images(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "it should have failed: {said}");
        assert!(said.contains("what to do: "), "no remedy: {said}");
        said
    }

    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.build_images(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    pub(crate) fn artifact(&self, path: &str) -> Vec<u8> {
        let path = self.path().join("artifacts").join(path);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
