//! A hermetic Nix, and a directory in which to run `netboot build`.

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

    /// Runs the program with this command and these arguments.
    pub(crate) fn netboot(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_netboot"))
            .args(arguments)
            .envs(self.nix.environment())
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    fn build(&self, arguments: &[&str]) -> Output {
        self.netboot(&[&["build"], arguments].concat())
    }

    /// Runs `netboot build`, expects a failure, and returns what it says.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.build(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "it should have failed: {said}");
        assert!(said.contains("what to do: "), "no remedy: {said}");
        said
    }

    /// Runs `netboot build`, expects success, and returns what it says.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.build(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// Runs `netboot build` in a directory below this one, and expects success.
    pub(crate) fn succeeds_in(&self, directory: &str, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_netboot"))
            .arg("build")
            .args(arguments)
            .envs(self.nix.environment())
            .current_dir(self.path().join(directory))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// A file of the release that is live at a directory below this one.
    pub(crate) fn live(&self, target: &str, file: &str) -> String {
        let target = self.path().join(target);
        let pointer = fs::read_to_string(target.join("current.ipxe")).unwrap();
        let (_, rest) = pointer.split_once("releases/").unwrap();
        let (release, _) = rest.split_once('/').unwrap();
        fs::read_to_string(target.join("releases").join(release).join(file)).unwrap()
    }

    pub(crate) fn artifact(&self, path: &str) -> Vec<u8> {
        let path = self.path().join("artifacts").join(path);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
