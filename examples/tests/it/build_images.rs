//! `build-images` as an operator runs it, with real Nix and with flakes that build or fail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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
    let file = ["--profile-file", "profiles.toml", "--pxe-dir", "pxe"];
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

#[test]
fn places_that_would_get_mixed_up_are_refused_before_anything_is_built() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let both = ["--flake", flake.as_str(), "--output-dir", "x", "--pxe-dir", "./x"];
    let said = place.fails(&both);
    assert!(said.contains("both --output-dir and --pxe-dir"), "{said}");

    let said = place.fails(&["--flake", &flake, "--pxe-dir", "no/such/place"]);
    assert!(said.contains("mkdir -p") && said.contains("/no/such`"), "{said}");

    let inside = place.path().join("flake/artifacts").display().to_string();
    let said = place.fails(&["--flake", &flake, "--output-dir", &inside]);
    assert!(said.contains("inside the flake"), "{said}");

    fs::write(place.path().join("file"), "").unwrap();
    let said = place.fails(&["--flake", &flake, "--output-dir", "file"]);
    assert!(said.contains("`file`"), "{said}");
    assert!(!place.nix.store_directory().exists(), "something was built");
}

#[test]
fn old_files_in_the_pxe_directory_are_replaced_only_on_request() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let old = place.path().join("pxe/worker/netboot.ipxe");
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    fs::write(&old, "#!ipxe\nold\n").unwrap();
    let arguments = ["--flake", &flake, "--profile", "worker", "--pxe-dir", "pxe"];
    let said = place.fails(&arguments);
    assert!(said.contains("worker/netboot.ipxe") && said.contains("--replace-foreign"), "{said}");
    assert_eq!(fs::read_to_string(&old).unwrap(), "#!ipxe\nold\n");

    place.succeeds(&[&arguments[..], &["--replace-foreign"]].concat());
    assert!(fs::read_to_string(&old).unwrap().contains("Generated by netboot"));
}

#[test]
fn a_failure_is_shown_on_every_kind_of_terminal() {
    let place = Workplace::new();
    for terminal in ["xterm", "dumb"] {
        let program = env!("CARGO_BIN_EXE_build-images");
        let output = Command::new(netboot_testbed::tool("script"))
            .args(["-qec", &format!("{program} --flake path:./nowhere"), "/dev/null"])
            .env("TERM", terminal)
            .current_dir(place.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success());
        assert!(said.contains("nowhere") && said.contains("what to do"), "{terminal}: {said:?}");
    }
}

#[test]
fn a_terminal_gets_bars_and_a_file_gets_lines() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let program = env!("CARGO_BIN_EXE_build-images");
    let output = Command::new(netboot_testbed::tool("script"))
        .args(["-qec", &format!("{program} --flake {flake} --profile worker"), "/dev/null"])
        .envs(place.nix.environment())
        .env("TERM", "xterm")
        .current_dir(place.path())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    let escape = '\u{1b}';
    assert!(shown.contains(escape) && shown.contains("worker: realising"), "{shown:?}");

    let said = place.succeeds(&["--flake", &flake, "--profile", "worker"]);
    assert!(!said.contains(escape) && said.contains("worker: realising"), "{said:?}");
}

#[test]
fn an_image_with_a_closure_is_published_and_goes_on_from_its_folder() {
    let place = Workplace::new();
    let stage1 = place.path().join("netboot-stage1");
    fs::write(&stage1, "the program").unwrap();
    fs::set_permissions(&stage1, fs::Permissions::from_mode(0o755)).unwrap();
    let flake = place.flake("one");
    let output = place.build_images(&["--flake", &flake, "--closure"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--stage1") && said.contains("--closure-url"), "{said}");

    let arguments = [
        &["--flake", &flake, "--profile", "worker", "--closure", "--stage1"],
        &[stage1.to_str().unwrap(), "--closure-url", "http://127.0.0.1:8080"][..],
    ]
    .concat();
    // Twice, since the second build replaces the folder of the first.
    place.succeeds(&arguments);
    place.succeeds(&[&arguments[..], &["--pxe-dir", "pxe"]].concat());
    let folder = place.path().join("artifacts/worker");
    let files = |directory: &Path| -> std::collections::BTreeSet<_> {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    let closure = files(&folder.join("blobs"));
    assert!(closure.len() >= 3, "{closure:?}");
    assert!(files(&place.path().join("pxe/blobs")).is_superset(&closure));
    let blob = folder.join("blobs").join(closure.first().unwrap());
    assert_eq!(blob.metadata().unwrap().permissions().mode() & 0o777, 0o644);
    let script = String::from_utf8(place.artifact("worker/netboot.ipxe")).unwrap();
    assert!(script.contains("netboot.from=http://127.0.0.1:8080/ "), "{script}");

    let published = Command::new(env!("CARGO_BIN_EXE_prebuilt"))
        .args([folder.to_str().unwrap(), "--profile", "worker", "--publish", "again"])
        .args(["--closure-url", "http://127.0.0.1:8080/again/"])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(published.status.success(), "{published:?}");
    assert!(files(&place.path().join("again/blobs")).is_superset(&closure));

    // A change of the system is new, and what it needs is not.
    let report = Command::new(env!("CARGO_BIN_EXE_size-report"))
        .args(["--flake", &place.flake("two"), "--profile", "worker", "--since", "pxe"])
        .args(["--closure", "--stage1", stage1.to_str().unwrap()])
        .envs(place.nix.environment())
        .current_dir(place.path())
        .output()
        .unwrap();
    let table = String::from_utf8(report.stdout).unwrap();
    assert!(table.contains("compressed"), "{table}");
    let (_, new) = table.split_once("new against the live release: ").unwrap();
    assert!(new.contains(" in 1 store path\n"), "{table}");
    assert!(new.contains("nixos-system-netboot-worker\n"), "{table}");
    // 72 MiB for the firmware and the kernel, and 304 MiB beside the closure.
    let (_, needs) = new.split_once("a machine needs ").unwrap();
    let mebibytes: u64 = needs.split(' ').next().unwrap().parse().unwrap();
    assert!((380..480).contains(&mebibytes), "{table}");

    // Without a PXE directory, machines fetch from the folder.
    place.succeeds(&arguments);
    let script = String::from_utf8(place.artifact("worker/netboot.ipxe")).unwrap();
    assert!(script.contains("netboot.from=http://127.0.0.1:8080/worker/ "), "{script}");

    // A file that somebody else put between the blobs is not deleted.
    fs::write(folder.join("blobs/notes.txt"), "mine").unwrap();
    let said = place.fails(&arguments);
    assert!(said.contains("blobs/notes.txt"), "{said}");
}
