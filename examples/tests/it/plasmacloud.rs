//! The flake `examples/plasmacloud`, as far as possible without nixpkgs: three versions of Nix
//! parse every file, and evaluate the files that need no other.

mod boot_report;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use netboot_core::{Profile, plasmacloud};
use netboot_testbed::{DebianTree, HermeticNix};
use serde::Deserialize;
use serde_json::Value;

/// The parts of a service's description that have to agree with those of other services.
#[derive(Debug, Deserialize)]
struct Description {
    title: String,
    ports: BTreeMap<String, Port>,
    secrets: BTreeMap<String, String>,
    #[serde(default)]
    after: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Port {
    #[serde(rename = "port")]
    number: u16,
    #[serde(default = "tcp")]
    protocol: String,
    description: String,
}

fn tcp() -> String {
    "tcp".to_owned()
}

fn flake() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plasmacloud")
}

/// All files below a directory with this extension.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension() == Some(OsStr::new(extension)) {
            found.push(path);
        }
    }
    found
}

/// Runs `nix-instantiate` of each Nix: the machine's 2.8, 2.26 and 2.34, each with its own store.
fn with_every_nix(arguments: &[&OsStr]) -> Vec<String> {
    let programs = [
        HermeticNix::program("nix-instantiate"),
        DebianTree::TRIXIE_NIX.program("nix-instantiate"),
        DebianTree::SID_NIX.program("nix-instantiate"),
    ];
    let run = |program: &PathBuf| {
        let nix = HermeticNix::new();
        let mut command = Command::new(program);
        let output = command.envs(nix.environment()).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", program.display());
        String::from_utf8(output.stdout).unwrap()
    };
    programs.iter().map(run).collect()
}

/// Evaluates an expression in the flake's directory. Every Nix has to give the same value.
fn evaluate(expression: &str) -> Value {
    let expression = format!("let flake = {}; in {expression}", flake().display());
    let arguments = ["--eval", "--strict", "--json", "--expr", &expression].map(OsStr::new);
    let mut values = with_every_nix(&arguments).into_iter();
    let first: Value = serde_json::from_str(&values.next().unwrap()).unwrap();
    for other in values {
        assert_eq!(serde_json::from_str::<Value>(&other).unwrap(), first);
    }
    first
}

fn descriptions() -> BTreeMap<String, Description> {
    serde_json::from_value(evaluate("import (flake + \"/services\")")).unwrap()
}

#[test]
fn every_file_is_read_by_every_nix() {
    let files = files(&flake(), "nix");
    assert!(files.len() > 20, "{files:?}");
    let mut arguments = vec![OsStr::new("--parse")];
    arguments.extend(files.iter().map(|file| file.as_os_str()));
    for parsed in with_every_nix(&arguments) {
        assert_eq!(parsed.lines().count(), files.len());
    }
}

#[test]
fn the_profiles_are_those_that_netboot_knows() {
    let profiles = plasmacloud::profiles().unwrap();
    let names: BTreeSet<_> = profiles.iter().map(|profile| profile.name().as_str()).collect();
    let in_flake = files(&flake().join("profiles"), "nix");
    let stems = in_flake.iter().map(|file| file.file_stem().unwrap().to_str().unwrap());
    assert_eq!(stems.collect::<BTreeSet<_>>(), names);
    for profile in profiles {
        let name = profile.name();
        let read = format!("(import (flake + \"/profiles/{name}.nix\")).plasmacloud.profile");
        let services: Vec<_> = profile.services().iter().map(ToString::to_string).collect();
        let expected = serde_json::json!({ "name": name, "services": services });
        assert_eq!(evaluate(&read), expected);
    }
}

#[test]
fn every_service_is_described_and_none_is_in_the_way_of_another() {
    let descriptions = descriptions();
    let profiles = plasmacloud::profiles().unwrap();
    let services: BTreeSet<_> = profiles.iter().flat_map(Profile::services).collect();
    let names: BTreeSet<_> = services.iter().map(|service| service.as_str()).collect();
    assert_eq!(descriptions.keys().map(String::as_str).collect::<BTreeSet<_>>(), names);

    // The profile `all-in-one` runs all of them on one machine, beside SSH.
    let mut taken = BTreeMap::from([(("tcp".to_owned(), 22), "ssh")]);
    for (name, description) in &descriptions {
        assert!(!description.title.is_empty());
        assert!(!description.secrets.values().any(String::is_empty), "{name}");
        for port in description.ports.values() {
            assert!(["tcp", "udp"].contains(&port.protocol.as_str()), "{name}: {port:?}");
            assert!(!port.description.is_empty(), "{name}: {port:?}");
            let other = taken.insert((port.protocol.clone(), port.number), name);
            assert_eq!(other, None, "{name} has the port {} as well", port.number);
        }
    }
}

#[test]
fn services_can_be_started_in_an_order() {
    let descriptions = descriptions();
    let mut started = BTreeSet::new();
    while started.len() < descriptions.len() {
        let ready: Vec<_> = descriptions
            .iter()
            .filter(|(name, _)| !started.contains(*name))
            .filter(|(_, description)| description.after.iter().all(|name| started.contains(name)))
            .map(|(name, _)| name.clone())
            .collect();
        assert!(!ready.is_empty(), "no service can be started after {started:?}");
        started.extend(ready);
    }
}

#[test]
fn the_flake_offers_a_configuration_for_each_profile_and_a_module_for_each_service() {
    // The part of nixpkgs' lib that `flake.nix` uses; `nixosSystem` returns the number of modules.
    let offered = evaluate(
        r#"
        let
          lib = {
            mapAttrs' = f: set:
              builtins.listToAttrs (map (name: f name set.${name}) (builtins.attrNames set));
            nixosSystem = { modules }: builtins.length modules;
            mkDefault = value: value;
          };
          self = (import (flake + "/flake.nix")).outputs { inherit self; nixpkgs = { inherit lib; }; };
        in
        {
          configurations = self.nixosConfigurations;
          modules = builtins.attrNames self.nixosModules;
        }"#,
    );
    // The base, the profile, the system, and `site.nix`.
    let configurations = serde_json::json!({
        "netboot-all-in-one": 4, "netboot-control-plane": 4, "netboot-worker": 4,
    });
    assert_eq!(offered["configurations"], configurations);
    let services = descriptions().into_keys();
    let modules: BTreeSet<_> =
        services.chain(["default".into(), "netboot".into(), "one-lease".into()]).collect();
    assert_eq!(offered["modules"], serde_json::json!(modules));
}

#[test]
fn closure_boot_gets_the_drivers_of_the_flake_and_each_boot_takes_one_lease() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let workspace = workspace.canonicalize().unwrap();
    let expression = format!(
        r#"
        let
          nixos = {{ lib, ... }}: {{
            options.boot.initrd.systemd = {{ network = {{ }}; extraBin = {{ }}; }};
            options.environment.etc = lib.mkOption {{ }};
          }};
          ramdisk = import {workspace}/tests/flake/module-system.nix {{
            modules = [
              nixos
              (import (flake + "/modules/netboot/closure.nix"))
              (import (flake + "/modules/netboot/one-lease.nix"))
              {{ plasmacloud.closureBoot.networkDrivers = [ "r8152" ]; }}
            ];
            pkgs = {{ }};
          }};
          closure = ramdisk.extendModules {{
            modules = [ (import {workspace}/crates/netboot-nix/src/closure_boot/module.nix) ];
          }};
        in
        {{
          drivers = closure.config.netboot.closure.networkDrivers;
          etc = builtins.mapAttrs (_: file: file.text) ramdisk.config.environment.etc;
        }}"#,
        workspace = workspace.display()
    );
    let found = evaluate(&expression);
    let drivers: Vec<String> = serde_json::from_value(found["drivers"].clone()).unwrap();
    assert!(drivers.contains(&"r8152".to_owned()) && drivers.len() > 20, "{drivers:?}");
    let etc = found["etc"].as_object().unwrap();
    assert_eq!(etc.len(), 2);
    assert!(etc.values().all(|text| text == "[DHCPv4]\nClientIdentifier=mac\n"), "{etc:?}");
}

#[test]
fn an_image_holds_nixpkgs_only_where_a_site_asks_for_it() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let expression = format!(
        r#"
        let
          nixos = {{ lib, ... }}: {{
            options.nixpkgs.flake.setFlakeRegistry = lib.mkOption {{ default = true; }};
            options.nixpkgs.flake.setNixPath = lib.mkOption {{ default = true; }};
            options.system.installer.channel.enable = lib.mkOption {{ default = true; }};
          }};
          of = modules: (import {}/tests/flake/module-system.nix {{
            modules = modules ++ [ (import (flake + "/modules/netboot/no-nixpkgs.nix")) ];
            pkgs = {{ }};
          }}).config;
          values = config: [
            config.nixpkgs.flake.setFlakeRegistry
            config.nixpkgs.flake.setNixPath
            config.system.installer.channel.enable
          ];
        in
        {{
          plain = values (of [ nixos ]);
          site = values (of [ nixos {{ system.installer.channel.enable = true; }} ]);
          old = of [ ];
        }}"#,
        workspace.canonicalize().unwrap().display()
    );
    let found = evaluate(&expression);
    assert_eq!(found["plain"], serde_json::json!([false, false, false]));
    assert_eq!(found["site"], serde_json::json!([false, false, true]));
    assert_eq!(found["old"], serde_json::json!({}));
}

#[test]
fn a_unit_has_what_its_description_asks_for_and_no_more() {
    let hardening =
        |asked: &str| evaluate(&format!("import (flake + \"/modules/hardening.nix\") {asked}"));
    let least = hardening("{ devices = [ ]; capabilities = [ ]; addressFamilies = [ ]; }");
    assert_eq!(least["CapabilityBoundingSet"], "");
    assert_eq!(least["AmbientCapabilities"], serde_json::json!([]));
    assert_eq!(least["ProtectSystem"], "strict");
    for setting in ["NoNewPrivileges", "PrivateDevices", "PrivateUsers", "MemoryDenyWriteExecute"] {
        assert_eq!(least[setting], true, "{setting}");
    }
    let more = hardening(
        r#"{
          devices = [ "/dev/kvm" ];
          capabilities = [ "CAP_NET_ADMIN" ];
          addressFamilies = [ "AF_NETLINK" ];
        }"#,
    );
    assert_eq!(more["CapabilityBoundingSet"], serde_json::json!(["CAP_NET_ADMIN"]));
    assert_eq!(more["DeviceAllow"], serde_json::json!(["/dev/kvm rw"]));
    assert_eq!(more["DevicePolicy"], "closed");
    // Both would take away the requested devices and capabilities.
    assert_eq!((&more["PrivateDevices"], &more["PrivateUsers"]), (&false.into(), &false.into()));
    assert_eq!(more["RestrictAddressFamilies"].as_array().unwrap().len(), 4);
}

#[test]
fn nobody_has_a_key_to_it() {
    let keys = evaluate("(import (flake + \"/site.nix\") { }).plasmacloud.provisioningKeys");
    assert_eq!(keys, serde_json::json!([]));
    for file in files(&flake(), "nix") {
        let text = fs::read_to_string(&file).unwrap();
        // The base64 of every key starts like this and continues.
        let goes_on = |at: usize| text[at + 4..].starts_with(|next: char| next.is_alphanumeric());
        let key = text.match_indices("AAAA").any(|(at, _)| goes_on(at));
        assert!(!key, "{} has a key", file.display());
    }
}
