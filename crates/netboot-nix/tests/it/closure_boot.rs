//! The module of closure boot, and how it enters a configuration.

use std::error::Error as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netboot_core::{Context, Payload, Profile};
use netboot_nix::{ClosureBoot, Error, NixBuilderOptions, Policy};
use netboot_testbed::Testbed;

use crate::closure::NIXOS;
use crate::place::{NixVersion, Place, WITH_INIT, extensible, least_configuration, profile};

/// NixOS's `toplevel`, which checks the assertions.
const ASSERTING: &str = r#"{ config, lib, ... }: {
    config.system.build.toplevel = lib.mkForce (
      let failed = builtins.filter (it: !it.assertion) config.assertions; in
      if failed == [ ] then derivation {
        name = "system"; system = "x86_64-linux"; builder = "/bin/sh";
      } else throw "\nFailed assertions:${
        builtins.concatStringsSep "" (map (it: "\n- ${it.message}") failed)}\n- another message"
    );
}"#;

/// A builder for a flake with one configuration: the minimal one with these modules.
fn builder(place: &Place, modules: &[&str]) -> NixBuilderOptions {
    let least = least_configuration("x", WITH_INIT, "{ }");
    let modules = [&[least.as_str()], modules].concat();
    let configuration = extensible(&modules, r#"{ e2fsprogs = "/e2fsprogs"; }"#);
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x = {configuration}; }}"));
    place.builder(&flake).policy(Policy::none())
}

/// Evaluates the configuration for a profile that boots from its closure.
async fn check(builder: NixBuilderOptions) -> Result<(), Error> {
    let profile = profile("x").with_payload(Payload::Closure);
    let profiles = [std::sync::Arc::new(profile) as std::sync::Arc<dyn Profile>];
    let mut results = builder.build().unwrap().check(&profiles, &Context::new()).await;
    results.remove(0).map(|_| ()).map_err(|error| {
        let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
        inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}")).clone()
    })
}

/// A file in place of `netboot-stage1`, with a name that could be read as code.
fn program(place: &Place, mode: u32) -> PathBuf {
    let path = place.path().join("a \"strange\" ${name} ''here''");
    fs::write(&path, "the program").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn closure_boot(place: &Place) -> ClosureBoot {
    ClosureBoot::with_program(program(place, 0o700)).unwrap()
}

async fn the_program_and_the_drivers_reach_the_configuration(nix: NixVersion) {
    const SHOWING: &str = r#"{ config, lib, ... }: {
        system.build.kernel = lib.mkForce (throw "found ${builtins.toJSON [
          config.netboot.closure.networkDrivers
          (builtins.readFile config.netboot.closure.program)
          "${config.boot.initrd.systemd.extraBin.netboot-stage1}"
        ]} end");
    }"#;
    let place = Place::of(nix);
    let given = closure_boot(&place).network_driver("r8152").unwrap();
    let showing = builder(&place, &[NIXOS, SHOWING]).closure_boot(given);
    let shown = check(showing).await.unwrap_err().to_string();
    let (_, json) = shown.split_once("found ").unwrap_or_else(|| panic!("{shown}"));
    let json = json.split(" end").next().unwrap();
    let (drivers, content, path): (Vec<String>, String, PathBuf) =
        serde_json::from_str(json).unwrap();
    assert!(drivers.contains(&"r8152".to_owned()) && drivers.contains(&"mlx5_core".to_owned()));
    assert_eq!(content, "the program");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o555, "{}", path.display());
}

#[tokio::test]
async fn a_configuration_that_boots_from_its_closure_evaluates() {
    let place = Place::new();
    let good = builder(&place, &[NIXOS, ASSERTING]).closure_boot(closure_boot(&place));
    check(good).await.unwrap();
}

#[tokio::test]
async fn a_configuration_that_lacks_something_is_refused_with_a_remedy() {
    let place = Place::new();
    let without = |option: &str| NIXOS.replace(&format!("options.{option} ="), "options.other =");
    let scripted = "{ boot.initrd.systemd.enable = false; }";
    for (modules, needed) in [
        (
            [&without("boot.initrd.systemd.network"), ""],
            "the options `boot.initrd.systemd.network`",
        ),
        ([NIXOS, scripted], "systemd in stage 1. Set boot.initrd.systemd.enable = true."),
        ([&without("netboot.storeContents"), ""], "netboot-minimal.nix"),
    ] {
        let modules: Vec<&str> =
            modules.into_iter().chain([ASSERTING]).filter(|module| !module.is_empty()).collect();
        let refused = builder(&place, &modules).closure_boot(closure_boot(&place));
        let error = check(refused).await.unwrap_err();
        assert!(matches!(error, Error::ClosureBootRefused { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(needed) && !text.contains("another message"), "{text}");
        assert!(error.hint().unwrap().contains("ramdisk"), "{:?}", error.hint());
    }
    check(builder(&place, &[NIXOS, ASSERTING]).closure_boot(closure_boot(&place))).await.unwrap();
}

#[tokio::test]
async fn a_configuration_without_modules_cannot_boot_from_its_closure() {
    let place = Place::new();
    let least = least_configuration("x", WITH_INIT, "{ }");
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {least}; }}"));
    let fixed = place.builder(&flake).policy(Policy::none()).closure_boot(closure_boot(&place));
    let error = check(fixed).await.unwrap_err();
    assert!(matches!(error, Error::NotExtensible { .. }), "{error:?}");
}

#[tokio::test]
async fn without_a_program_only_the_profiles_that_need_it_fail() {
    let place = Place::new();
    let error = check(builder(&place, &[NIXOS])).await.unwrap_err();
    assert!(matches!(error, Error::NoClosureProgram), "{error:?}");
    assert!(error.hint().unwrap().contains("closure_boot"), "{:?}", error.hint());

    let profiles = [profile("x"), profile("x").with_payload(Payload::Closure)]
        .map(|profile| std::sync::Arc::new(profile) as std::sync::Arc<dyn Profile>);
    let both = builder(&place, &[NIXOS]).build().unwrap();
    let results = both.check(&profiles, &Context::new()).await;
    assert!(results[0].is_ok() && results[1].is_err(), "{results:?}");
}

#[test]
fn a_program_that_cannot_run_and_a_name_that_is_no_module_are_refused() {
    let place = Place::new();
    let refused = |result: Result<ClosureBoot, Error>| {
        let error = result.unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error.to_string()
    };
    assert!(refused(ClosureBoot::with_program("/nowhere/stage1")).contains("/nowhere/stage1"));
    refused(ClosureBoot::with_program(place.path()));
    let text = refused(ClosureBoot::with_program(program(&place, 0o600)));
    assert!(text.contains("not an executable file"), "{text}");
    assert!(refused(ClosureBoot::from_source(place.path())).contains("Cargo.lock"));
    for name in ["", "a b", "../x", "${abort}", "a\n", "é"] {
        refused(closure_boot(&place).network_driver(name));
    }
}

#[tokio::test]
async fn a_program_that_machines_cannot_run_is_refused() {
    let place = Place::new();
    // This test itself needs the dynamic linker of the machine that runs it.
    let dynamic = ClosureBoot::with_program(std::env::current_exe().unwrap()).unwrap_err();
    assert!(dynamic.to_string().contains("dynamic linker"), "{dynamic}");

    let busybox = Testbed::locate().busybox().to_owned();
    let fine = ClosureBoot::with_program(&busybox).unwrap();
    check(builder(&place, &[NIXOS, ASSERTING]).closure_boot(fine)).await.unwrap();
    let mut bytes = fs::read(busybox).unwrap();
    // The machine of an ELF file: EM_AARCH64.
    bytes[18..20].copy_from_slice(&183_u16.to_le_bytes());
    let path = program(&place, 0o700);
    fs::write(&path, bytes).unwrap();
    let other = ClosureBoot::with_program(path).unwrap();
    let other = builder(&place, &[NIXOS, ASSERTING]).closure_boot(other);
    let error = check(other).await.unwrap_err();
    assert!(matches!(error, Error::ArchitectureMismatch { .. }), "{error:?}");
    assert!(error.to_string().contains("is for aarch64"), "{error}");
}

#[test]
fn the_sources_of_the_program_are_a_workspace() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    ClosureBoot::from_source(workspace).unwrap();
}

mod with_nix_versions {
    crate::place::with_nix_versions! {
        the_program_and_the_drivers_reach_the_configuration in [super]
    }
}
