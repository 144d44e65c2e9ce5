//! `netboot build` as an operator runs it, with real Nix and with flakes that build or fail: the
//! folders of the profiles.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::workplace::Workplace;

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
    // No half-written file is left.
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
    let log = place.path().join("artifacts/worker/build.log");
    assert_eq!(log.metadata().unwrap().permissions().mode() & 0o777, 0o644);
}

/// A flake with a worker that fails to build after forty lines, and without the other profiles.
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
        "[[profiles]]\nname = \"worker\"\n[[profiles]]\nname = \"storage\"\n",
    )
    .unwrap();
    let flake = place.flake("one");
    let file = ["--profiles", "profiles.toml", "--to", "./pxe"];
    let said = place.fails(&[&["--flake", &flake], &file[..]].concat());
    assert!(said.contains("netboot-storage"), "{said}");
    assert!(said.contains("worker: built"), "{said}");
    assert!(!place.artifact("worker/bzImage").is_empty());
    assert!(
        !place.path().join("pxe/current.ipxe").exists(),
        "a release was published although a profile was missing"
    );
}

#[test]
fn bad_input_is_answered_with_its_name_and_a_remedy() {
    let place = Workplace::new();
    let said = place.fails(&["--flake", "path:./nowhere"]);
    assert!(said.contains("nowhere"), "{said}");
    let said = place.fails(&["--flake", &place.flake("one"), "--profile", "gateway"]);
    assert!(said.contains("netboot-gateway") && said.contains("netboot-all-in-one"), "{said}");
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    fs::write(empty.join("flake.nix"), "{ outputs = _: { nixosConfigurations = { }; }; }").unwrap();
    let said = place.fails(&["--flake", "path:./empty"]);
    assert!(said.contains("add a configuration to `nixosConfigurations` of the flake"), "{said}");
    let said = place.fails(&["--flake=--impure"]);
    assert!(said.contains("--impure"), "{said}");
}

#[test]
fn what_others_put_into_a_folder_is_never_deleted() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let source = place.path().join("worker/src/main.rs");
    fs::create_dir_all(source.parent().unwrap()).unwrap();
    fs::write(&source, "fn main() {}").unwrap();
    let said = place.fails(&["--flake", &flake, "--profile", "worker", "--output-dir", "."]);
    assert!(said.contains("worker/src"), "{said}");
    assert!(source.is_file());
}
