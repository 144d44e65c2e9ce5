//! `netboot build` as an operator runs it, with real Nix and with flakes that build or fail.

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
    let said = place.fails(&["--flake=--impure"]);
    assert!(said.contains("--impure"), "{said}");
}

#[test]
fn a_hostile_profile_name_is_refused_before_anything_runs() {
    let place = Workplace::new();
    let long = "x".repeat(300);
    for name in ["../etc", "a\nb", "${x}", &long, ""] {
        let output = place.netboot(&["build", "--profile", name]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("is not a valid profile name"), "{said}");
    }
    assert!(!place.path().join("artifacts").exists());
}

#[test]
fn a_release_goes_to_the_pxe_server_s_assets_only_from_where_the_old_script_looked() {
    let place = Workplace::new();
    let assets = place.path().join("chainfire/baremetal/pxe-server/assets/nixos");
    fs::create_dir_all(&assets).unwrap();
    let flake = place.flake("one");
    let below = place.path().join("nix/images");
    fs::create_dir_all(&below).unwrap();
    let build = ["--flake", &flake, "--profile", "worker", "--output-dir", "../../artifacts"];
    place.succeeds_in("nix/images", &build);
    assert!(!assets.join("current.ipxe").exists());

    fs::create_dir_all(place.path().join("baremetal/image-builder")).unwrap();
    let build = [&build[..], &["--legacy-links"]].concat();
    let said = place.succeeds_in("baremetal/image-builder", &build);
    let (before, _) = said.split_once("Building netboot-worker").unwrap();
    assert!(before.contains("assets of PlasmaCloud's PXE server"), "{said}");
    for path in ["current.ipxe", "boot.ipxe", "worker/netboot.ipxe", "bzImage-worker"] {
        assert!(assets.join(path).exists(), "{path} is missing");
    }
    let linked = fs::read(assets.join("worker/initrd")).unwrap();
    assert_eq!(linked, place.artifact("worker/initrd"));
}

#[test]
fn building_one_profile_leaves_the_others_that_are_published() {
    let place = Workplace::new();
    place.succeeds(&["--flake", &place.flake("one"), "--to", "./pxe"]);
    let flake = place.flake("two");
    place.succeeds(&["--flake", &flake, "--profile", "worker", "--to", "./pxe"]);

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
    let both = ["--flake", flake.as_str(), "--output-dir", "x", "--to", "./x"];
    let said = place.fails(&both);
    assert!(said.contains("both --output-dir and a target"), "{said}");

    let worker = ["--flake", flake.as_str(), "--profile", "worker"];
    let said = place.fails(&[&worker[..], &["--to", "no/such/place"]].concat());
    assert!(said.contains("`mkdir -p no/such`"), "{said}");

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
    let arguments = ["--flake", &flake, "--profile", "worker", "--to", "./pxe"];
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
        let program = env!("CARGO_BIN_EXE_netboot");
        let output = Command::new(netboot_testbed::tool("script"))
            .args(["-qec", &format!("{program} build --flake path:./nowhere"), "/dev/null"])
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
    let program = env!("CARGO_BIN_EXE_netboot");
    let output = Command::new(netboot_testbed::tool("script"))
        .args(["-qec", &format!("{program} build --flake {flake} --profile worker"), "/dev/null"])
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
    let output = place.netboot(&["build", "--flake", &flake, "--closure"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("--stage1 FILE"), "{said}");
    let without_source = ["--flake", &flake, "--closure", "--stage1", stage1.to_str().unwrap()];
    let said = place.fails(&without_source);
    assert!(!place.nix.store_directory().join("closure").exists(), "{said}");

    let arguments = [
        &["--flake", &flake, "--profile", "worker", "--closure", "--stage1"],
        &[stage1.to_str().unwrap(), "--closure-url", "http://127.0.0.1:8080"][..],
    ]
    .concat();
    // Twice, since the second build replaces the folder of the first.
    place.succeeds(&arguments);
    place.succeeds(&[&arguments[..], &["--to", "./pxe"]].concat());
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

    let again = place.netboot(&[
        "publish",
        folder.to_str().unwrap(),
        "--to=./again",
        "--closure-url=http://127.0.0.1:8080/again/",
    ]);
    assert!(again.status.success(), "{again:?}");
    assert!(files(&place.path().join("again/blobs")).is_superset(&closure));

    // Without a target, machines fetch from the folder.
    place.succeeds(&arguments);
    let script = String::from_utf8(place.artifact("worker/netboot.ipxe")).unwrap();
    assert!(script.contains("netboot.from=http://127.0.0.1:8080/worker/ "), "{script}");

    // A file that somebody else put between the blobs is not deleted.
    fs::write(folder.join("blobs/notes.txt"), "mine").unwrap();
    let said = place.fails(&arguments);
    assert!(said.contains("blobs/notes.txt"), "{said}");
}

#[test]
fn every_configuration_that_matches_is_built_with_the_titles_of_plasmacloud() {
    let place = Workplace::new();
    place.succeeds(&["--flake", &place.flake("one"), "--to", "./pxe"]);
    let menu = place.live("pxe", "boot.ipxe");
    for title in ["PlasmaCloud control plane", "PlasmaCloud worker", "PlasmaCloud all-in-one"] {
        assert!(menu.contains(title), "{menu}");
    }
}

#[test]
fn a_flake_with_names_of_its_own_is_built_without_a_change() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let file = place.path().join("flake/flake.nix");
    let names = r#"{ worker = "pxe"; control-plane = "live-netboot"; all-in-one = "Generic_1"; }"#;
    let text = fs::read_to_string(&file).unwrap();
    let text = text.replace(r#""netboot-${name}""#, &format!("{names}.${{name}}"));
    fs::write(&file, text).unwrap();

    // The command line names no configuration, so the program lists what the flake has.
    let said = place.fails(&["--flake", &flake]);
    assert!(said.contains("Generic_1, live-netboot, pxe"), "{said}");
    assert!(said.contains("--configuration NAME"), "{said}");
    place.succeeds(&["--flake", &flake, "--configuration", "pxe"]);
    assert!(!place.artifact("pxe/initrd").is_empty());
    place.succeeds(&["--flake", &flake, "--configuration", "live-{profile}"]);
    assert!(!place.artifact("netboot/initrd").is_empty());

    // The name of a configuration may be no name of a profile.
    let one = ["--flake", &flake, "--configuration", "Generic_1"];
    let said = place.fails(&one);
    assert!(said.contains("--profile NAME"), "{said}");
    place.succeeds(&[&one[..], &["--profile", "generic", "--to", "./pxe"]].concat());
    assert!(place.live("pxe", "generic/netboot.ipxe").contains("-nixos-system-netboot-all-in-one"));
    let said = place.fails(&[&one[..], &["--profile", "a", "--profile", "b"]].concat());
    assert!(said.contains("netboot-{profile}"), "{said}");
}

#[test]
fn what_a_script_cannot_have_is_refused_before_the_build() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let profiles = place.path().join("profiles.toml");
    let with = |line: &str| {
        fs::write(&profiles, format!("[[profiles]]\nname = \"worker\"\n{line}\n")).unwrap();
        place.fails(&["--flake", &flake, "--profiles", "profiles.toml", "--to", "./pxe"])
    };
    let said = with(r#"title = "${net0/ip}""#);
    assert!(said.contains("${net0/ip}"), "{said}");
    let said = with(r#"kernel-parameters = ["a=${uuid}"]"#);
    assert!(said.contains("${uuid}"), "{said}");
    assert!(!place.nix.store_directory().exists(), "something was built");
}

#[test]
fn a_check_evaluates_and_builds_nothing() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let output = place.netboot(&["build", "--flake", &flake, "--check"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let profiles = ["all-in-one", "control-plane", "worker"];
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with(' ')).collect();
    for (line, profile) in lines.iter().zip(profiles) {
        assert!(line.starts_with(&format!("{profile}: ready to build")), "{said}");
    }
    assert!(!place.path().join("artifacts/worker").exists());

    let check = ["build", "--flake", &flake, "--profile", "gateway", "--check", "--json"];
    let output = place.netboot(&check);
    assert_eq!(output.status.code(), Some(1));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let profile = &object["profiles"][0];
    assert_eq!(profile["configuration"], "netboot-gateway");
    assert!(profile["error"]["message"].is_string(), "{object}");
}

#[test]
fn a_script_gets_the_release_or_the_folders() {
    let place = Workplace::new();
    let flake = place.flake("one");
    let build = ["build", "--flake", &flake, "--profile", "worker"];
    let output = place.netboot(&build);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "artifacts/worker\n");

    let published = place.netboot(&[&build[..], &["--to", "./pxe"]].concat());
    let release = String::from_utf8(published.stdout).unwrap();
    let directory = place.path().join("pxe/releases").join(release.trim_end());
    assert!(directory.join("manifest.json").is_file(), "{release}");

    let json = place.netboot(&[&build[..], &["--to", "./pxe", "--json"]].concat());
    let object: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(object["targets"][0]["release"], release.trim_end());
    assert_eq!(object["targets"][0]["changed"], false);
    assert_eq!(object["profiles"][0]["directory"], "artifacts/worker");
}
