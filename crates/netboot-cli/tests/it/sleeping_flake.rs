//! A flake whose builders sleep, and a hermetic Nix that builds it.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use netboot_testbed::HermeticNix;
use tempfile::TempDir;

/// A working directory with a flake, `./flake`, whose only derivation takes ten minutes.
pub(crate) struct SleepingFlake {
    directory: TempDir,
    nix: HermeticNix,
    marker: String,
}

impl SleepingFlake {
    /// A flake whose derivation has this name.
    pub(crate) fn new(name: &str) -> Self {
        let (directory, nix) = (TempDir::new().unwrap(), HermeticNix::new());
        let marker = format!("sleeper{}", directory.path().display()).replace('/', "-");
        let flake = directory.path().join("flake");
        fs::create_dir(&flake).unwrap();
        let text = format!(
            r#"{{ outputs = {{ self }}: let
              sleeper = derivation {{ name = "{name}"; system = "x86_64-linux"; builder = "/bin/sh";
                args = [ "-c" "/bin/sleep 600; echo {marker}" ]; }};
            in {{ nixosConfigurations.netboot-worker.config = {{
              system.build = {{ kernel = sleeper; netbootRamdisk = sleeper; toplevel = sleeper; }};
            }}; }}; }}"#
        );
        fs::write(flake.join("flake.nix"), text).unwrap();
        Self { directory, nix, marker }
    }

    /// The working directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The environment for the program.
    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let variables = self.nix.environment().into_iter();
        variables.map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// Returns true if the builder sleeps.
    pub(crate) fn builder_runs(&self) -> bool {
        let own = std::process::id().to_string();
        fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name != own
                && name.chars().all(|c| c.is_ascii_digit())
                && fs::read(entry.path().join("cmdline"))
                    .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&self.marker))
        })
    }
}

/// Waits until `condition` holds, for at most a minute.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(240), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}
