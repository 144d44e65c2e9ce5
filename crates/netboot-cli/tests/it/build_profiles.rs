//! The profiles and configurations that `netboot build` builds.

use std::fs;

use crate::workplace::Workplace;

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
