//! Nixpkgs refuses this Nix, or a package. The texts are those of nixpkgs 26.11 and 24.11.

use std::fs;

use netboot_core::{Builder, Context};
use netboot_nix::{Error, EvaluationProblem, Overrides, PackageRefusal};
use netboot_testbed::DebianTree;
use serde_json::Value;

use crate::causes::scene::{error_of, inner};
use crate::place::{NixVersion, Place, WITH_INIT, extensible, least_configuration, profile};

/// The message of nixpkgs about a Nix that is too old.
const TOO_OLD: [&str; 2] = [
    "
    This version of Nixpkgs requires Nix >= ${required}, please upgrade:

    - If you are running NixOS, `nixos-rebuild' can be used to upgrade your system.

    - Alternatively, with Nix > 2.0 `nix upgrade-nix' can be used to imperatively
      upgrade Nix. You may use `nix-env --version' to check which version you have.
    ",
    "
    This version of Nixpkgs requires an implementation of Nix with the following features:
    - `builtins.nixVersion` reports at least ${required}

    You are evaluating with Nix ${builtins.nixVersion}, please upgrade:

    - If you are running NixOS, `nixos-rebuild' can be used to upgrade your system.
    ",
];

pub(crate) async fn this_nix_is_too_old(nix: NixVersion) {
    let (required, newer) = match nix {
        NixVersion::V2_8 => ("2.18", Some(DebianTree::TRIXIE_NIX)),
        NixVersion::V2_26 => ("2.30", Some(DebianTree::SID_NIX)),
        NixVersion::V2_34 => ("3.99", None),
    };
    for text in TOO_OLD {
        let place = Place::of(nix);
        let flake = place.flake(&format!(
            "let required = \"{required}\"; in {{ nixosConfigurations.netboot-x.config = \
             if builtins.compareVersions required builtins.nixVersion == 1 then abort ''{text}'' \
             else {}; }}",
            least_configuration("x", WITH_INIT, "{ }")
        ));
        let error = error_of(place.builder(&flake)).await;
        let Error::Evaluation { problem, message, .. } = &error else { panic!("{error:?}") };
        let expected = EvaluationProblem::NixTooOld { required: Some(required.to_owned()) };
        assert_eq!(problem, &expected);
        assert!(!message.contains("upgrade"), "{message}");
        let hint = error.hint().unwrap();
        assert!(hint.starts_with(&format!("install Nix {required} or newer,")), "{hint}");
        if let Some(newer) = newer {
            assert!(hint.contains("`program_directory`"), "{hint}");
            let builder = place.builder(&flake).program_directory(newer.programs()).build();
            builder.unwrap().build(&profile("x"), &Context::new()).await.unwrap();
        }
    }
}

/// A refusal, what nixpkgs says of the package in two versions, and Nix code that is true if the
/// package is allowed.
struct Refused {
    refusal: PackageRefusal,
    said: [&'static str; 2],
    is_allowed: &'static str,
}

/// The end of nixpkgs' advice.
const ADVICE: &str = "
a) To temporarily allow such packages, you can use an environment variable
   for a single invocation of the nix tools.

     $ export NIXPKGS_ALLOW_IT=1
";

fn all_refused() -> Vec<Refused> {
    let removal = PackageRefusal::Problem { name: "removal".to_owned() };
    vec![
        Refused {
            refusal: PackageRefusal::Unfree,
            said: [
                "Package ‘radio-firmware-1.2’ in /s/x.nix:16 has an unfree license (‘unfree’), refusing to evaluate.\n",
                "Refusing to evaluate package 'radio-firmware-1.2' in /s/x.nix:16 because it has an unfree license (‘unfree’)",
            ],
            is_allowed: "set.allowUnfree or false || (set.allowUnfreePredicate or (_: false)) { name = \"radio-firmware-1.2\"; }",
        },
        Refused {
            refusal: PackageRefusal::Insecure,
            said: [
                "Package ‘radio-firmware-1.2’ in /s/x.nix:16 is marked as insecure, refusing to evaluate.\n\n\nKnown issues:\n - CVE-1\n",
                "Refusing to evaluate package 'radio-firmware-1.2' in /s/x.nix:16 because it is marked as insecure\n\nKnown issues:\n - CVE-1\n\nYou can install it anyway by allowing this package, using the\nfollowing methods:\n",
            ],
            is_allowed: "builtins.elem \"radio-firmware-1.2\" (set.permittedInsecurePackages or [ ])",
        },
        Refused {
            refusal: PackageRefusal::Broken,
            said: [
                "Package ‘radio-firmware-1.2’ in /s/x.nix:16 is marked as broken, refusing to evaluate.\n",
                "Refusing to evaluate package 'radio-firmware-1.2' in /s/x.nix:16 because it has problems:\n- broken: This package is broken.\n\nSee also https://nixos.org/manual/nixpkgs/unstable#sec-problems\nTo allow evaluation regardless, use:\n",
            ],
            is_allowed: "set.allowBroken or false",
        },
        Refused {
            refusal: PackageRefusal::UnsupportedSystem,
            said: [
                "Package ‘radio-firmware-1.2’ in /s/x.nix:16 is not available on the requested hostPlatform:\n  hostPlatform.system = \"x86_64-linux\"\n  package.meta.platforms = [ ]\n, refusing to evaluate.\n",
                "Refusing to evaluate package 'radio-firmware-1.2' in /s/x.nix:16 because it is not available on the requested hostPlatform:\n  hostPlatform.system = \"x86_64-linux\"\n",
            ],
            is_allowed: "set.allowUnsupportedSystem or false",
        },
        Refused {
            refusal: PackageRefusal::NotFromSource,
            said: [
                "Package ‘radio-firmware-1.2’ in /s/x.nix:16 contains elements not built from source (‘binaryFirmware’), refusing to evaluate.\n",
                "Refusing to evaluate package 'radio-firmware-1.2' in /s/x.nix:16 because it contains elements not built from source (‘binaryFirmware’)",
            ],
            is_allowed: "set.allowNonSource or false",
        },
        Refused {
            refusal: removal,
            said: [
                "Refusing to evaluate package 'radio-firmware-1.2' in /s/x.nix:16 because it has problems:\n- removal: No one needs it.\n",
                "Refusing to evaluate package 'radio-firmware-1.2' in /s/x.nix:16 because it has problems:\n- removal: No one needs it. (https://example.org)\n\nSee also https://nixos.org/manual/nixpkgs/unstable#sec-problems\n",
            ],
            is_allowed: "set.problems.handlers.radio-firmware.removal or \"error\" == \"warn\"",
        },
        Refused {
            refusal: PackageRefusal::Blocklisted,
            said: [
                "Package ‘radio-firmware-1.2’ in /s/x.nix:16 has a blocklisted license (‘agpl3Only’), refusing to evaluate.\n",
                "Refusing to evaluate package 'radio-firmware-1.2' in /s/x.nix:16 because it has a blocklisted license (‘agpl3Only’)",
            ],
            is_allowed: "set.blocklistedLicenses or null == [ ]",
        },
    ]
}

/// The texts between backticks.
fn quoted(hint: &str) -> Vec<&str> {
    hint.split('`').skip(1).step_by(2).collect()
}

pub(crate) async fn a_package_is_refused(nix: NixVersion) {
    for Refused { refusal, said, is_allowed } in all_refused() {
        for said in said {
            let place = Place::of(nix);
            let configuration = least_configuration("x", WITH_INIT, "{ }")
                .replace("kernelParams = [", "kernelParams = check [");
            let text = format!("{said}{ADVICE}");
            let module = format!(
                "{{ lib, config, ... }}: let set = config.nixpkgs.config; \
                 check = list: if {is_allowed} then list else throw ''{text}''; in {{ \
                 options.nixpkgs.config = lib.mkOption {{ default = {{ }}; }}; \
                 config = {configuration}; }}"
            );
            let code = extensible(&[&module], "{ }");
            let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x = {code}; }}"));
            let error = error_of(place.builder(&flake)).await;
            let Error::Evaluation { problem, message, .. } = &error else { panic!("{error:?}") };
            let EvaluationProblem::PackageRefused { package } = problem else {
                panic!("{error:?}")
            };
            assert_eq!((package.name.as_str(), &package.refusal), ("radio-firmware-1.2", &refusal));
            assert!(!message.contains("environment variable"), "{message}");
            assert!(!message.contains("following methods"), "{message}");

            // Each way of the hint, by itself.
            let hint = error.hint().unwrap();
            let ways = quoted(&hint);
            let mut all = Vec::new();
            if refusal == PackageRefusal::Blocklisted {
                let settings =
                    serde_json::json!({ "nixpkgs": { "config": { "blocklistedLicenses": [] } } });
                assert!(hint.contains("out of `nixpkgs.config.blocklistedLicenses`"), "{hint}");
                all.push(Overrides::builder().settings(settings));
            } else {
                let file = place.path().join("allow.nix");
                fs::write(&file, format!("{{ lib, ... }}: {{ {} }}", ways[1])).unwrap();
                let settings: Value =
                    ways.iter().find_map(|way| serde_json::from_str(way).ok()).unwrap();
                all.push(Overrides::builder().module(&file));
                all.push(Overrides::builder().settings(settings));
            }
            for overrides in all {
                let builder = place.builder(&flake).overrides(overrides.build().unwrap()).build();
                let built = builder
                    .unwrap()
                    .check(&[std::sync::Arc::new(profile("x"))], &Context::new())
                    .await;
                if let Err(error) = &built[0] {
                    panic!("{hint}: {:?}", inner(error));
                }
            }
        }
    }
}
