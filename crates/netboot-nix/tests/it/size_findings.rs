//! The size report names parts that an image can do without. Its hints leave them out.

use netboot_core::{Builder, Context, ProfileSpec};
use netboot_nix::{Overrides, Policy, SizeProblem, SizeReport};
use netboot_testbed::Testbed;
use serde_json::json;

use crate::place::{NixVersion, Place, WITH_INIT, extensible, least_configuration};

/// A module with NixOS's options that each bring something large into the system.
fn large_system() -> String {
    let least = least_configuration("x", WITH_INIT, "{ }");
    let least = least
        .replacen(
            r#"echo init > "$out/init""#,
            r#"echo init > "$out/init"; echo "$packages" > "$out/packages""#,
            1,
        )
        .replacen(
            "(let system_ = derivation {",
            "(let system_ = derivation { inherit packages;",
            1,
        );
    format!(
        r#"({{ config, lib, ... }}: let
          busybox = "{}";
          package = attributes: derivation ({{
            system = "x86_64-linux"; builder = busybox; outputs = [ "out" ]; size = "2000000"; dirs = ""; needs = [ ];
            args = [ "sh" "-e" "-c" ''
              for output in $outputs; do
                eval "path=\$$output"
                for dir in . $dirs; do ${{busybox}} mkdir -p $path/$dir; done
                echo $needs > $path/needs
                ${{busybox}} truncate -s $size $path/file
              done'' ];
          }} // attributes);
          tool = package {{
            name = "tool-1.0"; pname = "tool"; version = "1.0"; outputs = [ "out" "man" "debug" "odd1" ];
          }};
          registry = package {{ name = "etc-registry.json"; size = "10"; needs = [ (package {{ name = "nixpkgs-copy"; dirs = "lib pkgs/top-level"; }}) ]; }};
          modules = release: package {{
            name = "linux-${{release}}"; pname = "linux"; version = release; dirs = "lib/modules/${{release}}";
          }};
          derivation' = package {{ name = "big"; text = builtins.concatStringsSep "" (builtins.genList (_: "0123456789") 150000); }};
          packages =
            [ tool tool.odd1 (modules "6.12.58") (package {{ name = "unit-a-1.service"; buildCommand = "x"; }}) (package {{ name = "unit-a-2.service"; buildCommand = "x"; }}) ]
            ++ lib.optional (config.nixpkgs.flake.setFlakeRegistry || config.nixpkgs.flake.setNixPath || config.system.installer.channel.enable) registry
            ++ lib.optional config.documentation.enable tool.man
            ++ lib.optional config.environment.enableDebugInfo tool.debug
            ++ lib.optional (config.hardware.enableRedistributableFirmware || config.hardware.enableAllFirmware) (package {{ name = "linux-firmware-20251111-zstd"; buildCommand = "x"; }})
            ++ lib.optional (config.i18n.supportedLocales == [ "all" ]) (package {{ name = "glibc-locales-2.40-66"; pname = "glibc-locales"; version = "2.40-66"; size = "90000000"; }})
            ++ lib.optional config.system.includeBuildDependencies "${{builtins.unsafeDiscardOutputDependency derivation'.drvPath}}"
            ++ lib.optional (config.environment.systemPackages != [ ]) (package {{ name = "gcc-14.3.0"; pname = "gcc"; version = "14.3.0"; }})
            ++ lib.optional (config.boot.extraModulePackages != [ ]) (modules "6.6.1")
            ++ lib.optional (config.specialisation != [ ]) (package {{ name = "nixos-system-x-special"; }})
            ++ lib.optional (config.environment.etc != [ ]) (package {{ name = "source"; }});
        in {{
          options = {{
            nixpkgs.flake.setFlakeRegistry = lib.mkOption {{ default = true; }};
            nixpkgs.flake.setNixPath = lib.mkOption {{ default = true; }};
            system.installer.channel.enable = lib.mkOption {{ default = true; }};
            documentation.enable = lib.mkOption {{ default = true; }};
            environment.enableDebugInfo = lib.mkOption {{ default = true; }};
            environment.systemPackages = lib.mkOption {{ default = [ "gcc" ]; }};
            environment.etc = lib.mkOption {{ default = [ "source" ]; }};
            hardware.enableRedistributableFirmware = lib.mkOption {{ default = true; }};
            hardware.enableAllFirmware = lib.mkOption {{ default = true; }};
            i18n.supportedLocales = lib.mkOption {{ default = [ "all" ]; }};
            system.includeBuildDependencies = lib.mkOption {{ default = true; }};
            boot.extraModulePackages = lib.mkOption {{ default = [ "6.6.1" ]; }};
            specialisation = lib.mkOption {{ default = [ "special" ]; }};
          }};
          config = {least};
        }})"#,
        Testbed::locate().busybox().display()
    )
}

async fn report(place: &Place, overrides: Overrides) -> SizeReport {
    let configuration = extensible(&[&large_system()], "{ }");
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x = {configuration}; }}"));
    let builder = place.builder(&flake).overrides(overrides).policy(Policy::none());
    let builder = builder.build().unwrap();
    let profile = ProfileSpec::new("x").unwrap();
    let image = builder.build(&profile, &Context::new()).await.unwrap();
    builder.size_report(&profile, &image, &Context::new()).await.unwrap()
}

#[tokio::test]
async fn each_finding_goes_when_its_hint_is_followed() {
    for version in NixVersion::sample("each_finding_goes_when_its_hint_is_followed") {
        println!("with Nix {}", version.as_str());
        follow_each_hint(version).await;
    }
}

async fn follow_each_hint(version: NixVersion) {
    let place = Place::of(version);
    let large = report(&place, Overrides::default()).await;
    let mut problems: Vec<SizeProblem> =
        large.findings.iter().map(|finding| finding.problem).collect();
    problems.sort_unstable();
    let expected = [
        SizeProblem::Nixpkgs,
        SizeProblem::Source,
        SizeProblem::Documentation,
        SizeProblem::Locales,
        SizeProblem::Firmware,
        SizeProblem::SeveralKernels,
        SizeProblem::DebugSymbols,
        SizeProblem::BuildTools,
        SizeProblem::Derivations,
        SizeProblem::OtherSystem,
    ];
    assert_eq!(problems, expected, "{large}");
    // Outputs and units are no versions, and the modules of two kernels are.
    let several: Vec<&str> = large.duplicates.iter().map(|it| it.package.as_str()).collect();
    assert_eq!(several, ["linux"]);
    let nixpkgs = large.findings.iter().find(|it| it.problem == SizeProblem::Nixpkgs).unwrap();
    assert!(nixpkgs.saves >= 2_000_000 && nixpkgs.chain.len() == 3, "{nixpkgs:?}");
    let text = large.to_string();
    assert!(text.contains("the source of nixpkgs: leaving it out saves 1.9 MiB"), "{text}");
    assert!(text.contains("nixpkgs-copy (etc-registry.json)"), "{text}");

    let overrides = Overrides::builder()
        .settings(json!({
            "nixpkgs": { "flake": { "setFlakeRegistry": false, "setNixPath": false } },
            "system": { "installer": { "channel": { "enable": false } }, "includeBuildDependencies": false },
            "documentation": { "enable": false },
            "environment": { "enableDebugInfo": false, "systemPackages": [], "etc": [] },
            "hardware": { "enableRedistributableFirmware": false, "enableAllFirmware": false },
            "i18n": { "supportedLocales": ["C.UTF-8/UTF-8", "en_US.UTF-8/UTF-8"] },
            "boot": { "extraModulePackages": [] },
            "specialisation": [],
        }))
        .build()
        .unwrap();
    let small = report(&place, overrides).await;
    assert!(small.findings.is_empty() && small.duplicates.is_empty(), "{small}");
    let saved: u64 = large.findings.iter().map(|finding| finding.saves).sum();
    assert!(small.closure < large.closure - 100_000_000 && saved > 100_000_000, "{saved}");
}
