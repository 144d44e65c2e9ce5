//! `build-images` as an operator runs it: real Nix, real flakes, good and bad.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test whose set-up fails has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use netboot_testbed::{HermeticNix, Testbed};
use tempfile::TempDir;

/// A hermetic Nix, and a directory to run in.
struct Workplace {
    nix: HermeticNix,
    directory: TempDir,
}

impl Workplace {
    fn new() -> Self {
        Self { nix: HermeticNix::new(), directory: TempDir::new().unwrap() }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn flake(&self, generation: &str) -> String {
        Testbed::locate().write_flake(&self.path().join("flake"), generation)
    }

    fn build_images(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_build-images"))
            .args(arguments)
            .envs(self.nix.environment())
            .current_dir(self.path())
            .output()
            .unwrap()
    }

    /// Runs it, expects a failure, and gives what it said.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.build_images(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "it should have failed: {said}");
        assert!(said.contains("what to do: "), "no remedy: {said}");
        said
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.build_images(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    fn artifact(&self, path: &str) -> Vec<u8> {
        let path = self.path().join("artifacts").join(path);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

#[test]
fn all_profiles_are_built_into_the_folders_of_the_runbook() {
    let place = Workplace::new();
    let said = place.succeeds(&["--flake", &place.flake("one")]);
    for profile in ["control-plane", "worker", "all-in-one"] {
        assert!(said.contains(&format!("{profile}: built")), "{said}");
        let kernel = place.artifact(&format!("{profile}/bzImage"));
        assert_eq!(&kernel[0x202..0x206], b"HdrS");
        assert!(!place.artifact(&format!("{profile}/initrd")).is_empty());
        assert!(!place.artifact(&format!("{profile}/build.log")).is_empty());
        let script = String::from_utf8(place.artifact(&format!("{profile}/netboot.ipxe"))).unwrap();
        assert!(script.starts_with("#!ipxe\n"), "{script}");
        assert!(script.contains("/init"), "{script}");
        assert!(!script.contains('*'), "{script}");
    }
    // Nothing half-written is left beside them.
    let left: Vec<_> = fs::read_dir(place.path().join("artifacts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".new-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_second_build_replaces_the_folder_and_the_log_of_a_failure_joins_it() {
    let place = Workplace::new();
    place.succeeds(&["--flake", &place.flake("one"), "--profile", "worker"]);
    let first = place.artifact("worker/initrd");
    place.succeeds(&["--flake", &place.flake("two"), "--profile", "worker"]);
    let second = place.artifact("worker/initrd");
    assert_ne!(first, second);

    let flake = failing_flake(place.path());
    let said = place.fails(&["--flake", &flake, "--profile", "worker"]);
    assert!(said.contains("the compiler says no"), "{said}");
    let log = String::from_utf8(place.artifact("worker/build.log")).unwrap();
    for line in 1..=40 {
        assert!(log.contains(&format!("step {line} of 40")), "line {line} is not in:\n{log}");
    }
    assert_eq!(place.artifact("worker/initrd"), second);
}

/// A flake whose worker fails to build after forty lines, and whose other profiles are missing.
fn failing_flake(directory: &Path) -> String {
    let flake = directory.join("failing");
    fs::create_dir(&flake).unwrap();
    let text = r#"{
  outputs = { self }: let
    fails = name: derivation {
      inherit name; system = "x86_64-linux"; builder = "/bin/sh";
      args = [ "-c" "i=1; while [ $i -le 40 ]; do echo step $i of 40; i=$((i+1)); done; echo the compiler says no; exit 3" ];
    };
  in {
    nixosConfigurations.netboot-worker.config = {
      system.build.kernel = fails "linux";
      system.build.netbootRamdisk = fails "netboot-initrd";
      system.build.toplevel = fails "nixos-system-worker";
      system.boot.loader.kernelFile = "bzImage";
      boot.kernelParams = [ "console=ttyS0,115200" ];
    };
  };
}
"#;
    fs::write(flake.join("flake.nix"), text).unwrap();
    format!("path:{}", flake.display())
}

#[test]
fn one_missing_profile_does_not_keep_the_others_from_being_built() {
    let place = Workplace::new();
    fs::write(
        place.path().join("profiles.toml"),
        "[[profile]]\nname = \"worker\"\n[[profile]]\nname = \"storage\"\n",
    )
    .unwrap();
    let flake = place.flake("one");
    let said = place.fails(&["--flake", &flake, "--profile-file", "profiles.toml"]);
    assert!(said.contains("netboot-storage"), "{said}");
    assert!(said.contains("worker: built"), "{said}");
    assert!(!place.artifact("worker/bzImage").is_empty());
}

#[test]
fn bad_input_is_answered_with_its_name_and_a_remedy() {
    let place = Workplace::new();
    let said = place.fails(&["--flake", "path:./nowhere"]);
    assert!(said.contains("nowhere"), "{said}");
    let said = place.fails(&["--flake", &place.flake("one"), "--profile", "gateway"]);
    assert!(said.contains("gateway") && said.contains("all-in-one"), "{said}");
    let said = place.fails(&["--flake=--impure"]);
    assert!(said.contains("--impure"), "{said}");
}

#[test]
fn a_hostile_profile_name_is_refused_before_anything_runs() {
    let place = Workplace::new();
    let long = "x".repeat(300);
    for name in ["../etc", "a\nb", "${x}", &long, ""] {
        let said = place.fails(&["--profile", name]);
        assert!(said.contains("is not a valid profile name"), "{said}");
    }
    assert!(!place.path().join("artifacts").exists());
}

#[test]
fn a_release_goes_to_the_pxe_server_s_assets_when_they_exist() {
    let place = Workplace::new();
    let assets = place.path().join("chainfire/baremetal/pxe-server/assets/nixos");
    fs::create_dir_all(&assets).unwrap();
    let flake = place.flake("one");
    place.succeeds(&["--flake", &flake, "--profile", "worker", "--legacy-links"]);
    for path in ["current.ipxe", "boot.ipxe", "worker/netboot.ipxe", "bzImage-worker"] {
        assert!(assets.join(path).exists(), "{path} is missing");
    }
    let linked = fs::read(assets.join("worker/initrd")).unwrap();
    assert_eq!(linked, place.artifact("worker/initrd"));
}

#[test]
fn building_one_profile_leaves_the_others_that_are_published() {
    let place = Workplace::new();
    place.succeeds(&["--flake", &place.flake("one"), "--pxe-dir", "pxe"]);
    let flake = place.flake("two");
    place.succeeds(&["--flake", &flake, "--profile", "worker", "--pxe-dir", "pxe"]);

    let pxe = place.path().join("pxe");
    let pointer = fs::read_to_string(pxe.join("current.ipxe")).unwrap();
    let releases = fs::read_dir(pxe.join("releases")).unwrap();
    let live = releases
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            pointer.contains(&format!("releases/{}/", path.file_name().unwrap().display()))
        })
        .unwrap();
    for profile in ["control-plane", "worker", "all-in-one"] {
        assert!(live.join(profile).join("netboot.ipxe").is_file(), "{profile} is gone");
    }
}
