//! Overrides, and their effect on images.

use std::error::Error as _;
use std::fs;

use netboot_core::{Builder, Context, Image, KernelParameter};
use netboot_nix::{AuthorizedKey, Error, Overrides, OverridesBuilder, Policy};
use netboot_testbed::HermeticNix;

use crate::place::{Place, WITH_INIT, extensible, least_configuration, profile, profiles, read};

/// A module with the kernel of `boot.kernelPackages`.
const KERNEL: &str =
    r"{ config, ... }: { system.build.kernel = config.boot.kernelPackages.kernel; }";

async fn build(place: &Place, configuration: &str, overrides: Overrides) -> Result<Image, Error> {
    let flake = place.flake(&format!("{{ nixosConfigurations.netboot-x = {configuration}; }}"));
    let builder = place.builder(&flake).overrides(overrides).policy(Policy::none()).build()?;
    builder.build(&profile("x"), &Context::new()).await.map_err(|error| {
        let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
        inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}")).clone()
    })
}

fn least() -> String {
    extensible(&[&least_configuration("x", WITH_INIT, "{ }")], "{ }")
}

/// The kernel parameters of the minimal configuration's image with these overrides.
async fn parameters(place: &Place, overrides: OverridesBuilder) -> Result<Vec<String>, Error> {
    let image = build(place, &least(), overrides.build().unwrap()).await?;
    let parameters = image.boot().kernel_parameters().iter();
    Ok(parameters.map(|parameter| parameter.as_str().to_owned()).collect())
}

#[tokio::test]
async fn kernel_parameters_come_after_those_of_the_configuration() {
    let parameter = |text: &str| text.parse::<KernelParameter>().unwrap();
    let overrides = Overrides::builder()
        .kernel_parameter(parameter("console=ttyS1"))
        .kernel_parameter(parameter(r#"x="${builtins.abort 1} '' b""#));
    let parameters = parameters(&Place::new(), overrides).await.unwrap();
    assert_eq!(parameters, ["loglevel=4", "console=ttyS1", r#"x="${builtins.abort 1} '' b""#]);
}

#[tokio::test]
async fn settings_are_merged_or_go_over_what_is_there() {
    let merged = serde_json::json!({ "boot": { "kernelParams": ["merged"] } });
    let overrides = Overrides::builder().settings(merged);
    let place = Place::new();
    assert_eq!(parameters(&place, overrides).await.unwrap(), ["loglevel=4", "merged"]);

    let forced = serde_json::json!({ "boot": { "kernelParams": {
        "_type": "override", "priority": 50, "content": ["forced"],
    } } });
    let overrides = Overrides::builder().settings(forced);
    assert_eq!(parameters(&place, overrides).await.unwrap(), ["forced"]);
}

#[tokio::test]
async fn a_module_is_a_file_or_a_directory_wherever_it_lies() {
    let place = Place::new();
    let module = r"{ lib, ... }: { boot.kernelParams = lib.mkForce (import ./list.nix); }";
    let directory = place.path().join("a \"strange\" ${name} \\ ''here''");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("default.nix"), module).unwrap();
    fs::write(directory.join("list.nix"), r#"[ "listed" ]"#).unwrap();
    let overrides = Overrides::builder().module(&directory);
    assert_eq!(parameters(&place, overrides).await.unwrap(), ["listed"]);

    let file = place.path().join("alone.nix");
    fs::write(&file, r#"{ boot.kernelParams = [ "alone" ]; }"#).unwrap();
    let overrides = Overrides::builder().module(&file);
    assert_eq!(parameters(&place, overrides).await.unwrap(), ["loglevel=4", "alone"]);

    // The current content counts, not the content at the last use.
    fs::write(&file, r#"{ boot.kernelParams = [ "changed" ]; }"#).unwrap();
    let overrides = Overrides::builder().module(&file);
    assert_eq!(parameters(&place, overrides).await.unwrap(), ["loglevel=4", "changed"]);

    // The evaluation is pure, so a module cannot read files outside of itself.
    fs::write(&file, r"{ boot.kernelParams = [ (builtins.readFile /etc/hostname) ]; }").unwrap();
    let error = parameters(&place, Overrides::builder().module(&file)).await.unwrap_err();
    assert!(error.to_string().contains("pure eval"), "{error}");
}

#[tokio::test]
async fn the_kernel_is_that_of_the_package_set_in_pkgs() {
    let kernel =
        |name: &str| format!("{}.system.build.kernel", least_configuration(name, WITH_INIT, "{ }"));
    let packages = format!(
        "rec {{ old.kernel = {}; sets.new.kernel = {}; }}",
        kernel("old"),
        // Another header gives another digest.
        kernel("new").replace("head -c 2048", "head -c 4096"),
    );
    let base = least_configuration("x", WITH_INIT, "{ }");
    let base = format!(
        "{{ pkgs, ... }}: {base} // {{ boot.kernelPackages = pkgs.old; boot.kernelParams = [ ]; }}"
    );
    let without_kernel = base.replacen("kernel = derivation", "ignored = derivation", 1);
    let configuration = extensible(&[&without_kernel, KERNEL], &packages);
    let place = Place::new();
    let old = build(&place, &configuration, Overrides::default()).await.unwrap();
    let overrides = Overrides::builder().kernel_packages("sets.new");
    let new = build(&place, &configuration, overrides.build().unwrap()).await.unwrap();
    assert!(new.kernel().size() > old.kernel().size(), "the kernel was not replaced");

    let overrides = Overrides::builder().kernel_packages("sets.missing");
    let error = build(&place, &configuration, overrides.build().unwrap()).await.unwrap_err();
    let Error::AttributeMissing { attribute, .. } = &error else { panic!("{error:?}") };
    assert_eq!(attribute, "pkgs.sets.missing");
    assert!(error.hint().unwrap().contains("nixpkgs"), "{:?}", error.hint());
}

#[tokio::test]
async fn overrides_of_one_profile_change_no_other_and_take_no_second_evaluation() {
    let place = Place::new();
    let configuration = extensible(&[&least_configuration("x", WITH_INIT, "{ }")], "{ }");
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-a = {configuration}; netboot-b = {configuration}; }}; }}"
    ));
    // A `nix` that records its arguments and then runs the real one.
    let (nix, log) = (HermeticNix::program("nix"), place.path().join("calls"));
    let script = format!("echo \"$1\" >> {}\nexec {} \"$@\"", log.display(), nix.display());
    place.program("nix", &script);
    let all = Overrides::builder().kernel_parameter("of-all").build().unwrap();
    let of_b = Overrides::builder().kernel_parameter("of-b").build().unwrap();
    let builder = place
        .builder(&flake)
        .program_directory(place.path().join("bin"))
        .policy(Policy::none())
        .overrides(all)
        .profile_overrides("b", of_b)
        .build()
        .unwrap();
    let images = builder.build_all(&profiles(&["a", "b"]), &Context::new()).await;
    let parameters: Vec<String> = images
        .into_iter()
        .map(|image| image.unwrap().boot().command_line().unwrap().to_string())
        .collect();
    assert!(parameters[0].ends_with("loglevel=4 of-all"), "{}", parameters[0]);
    assert!(parameters[1].ends_with("loglevel=4 of-all of-b"), "{}", parameters[1]);
    assert_eq!(read(log).lines().filter(|call| *call == "eval").count(), 1);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_extended_is_named() {
    let place = Place::new();
    let fixed = format!("{{ config = {}; }}", least_configuration("x", WITH_INIT, "{ }"));
    build(&place, &fixed, Overrides::default()).await.unwrap();
    let overrides = Overrides::builder().kernel_parameter("quiet");
    let error = build(&place, &fixed, overrides.build().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::NotExtensible { .. }), "{error:?}");
}

#[test]
fn what_cannot_be_an_override_is_refused_before_nix_is_asked() {
    let refused = |overrides: OverridesBuilder| {
        let error = overrides.build().unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error.to_string()
    };
    for settings in [serde_json::json!(["a"]), serde_json::json!({ "a": ["\0"] })] {
        refused(Overrides::builder().settings(settings));
    }
    let key: AuthorizedKey = KEY.parse().unwrap();
    let again: AuthorizedKey = serde_json::from_value(serde_json::json!(key)).unwrap();
    assert_eq!(again, key);
    refused(Overrides::builder().authorized_key("", key));
    assert!(refused(Overrides::builder().module("/nowhere/x.nix")).contains("/nowhere/x.nix"));
    let empty = Place::new().path();
    fs::create_dir_all(&empty).unwrap();
    assert!(refused(Overrides::builder().module(&empty)).contains("default.nix"));

    for text in ["", ".", "a..b", "a\nb"] {
        let error = text.parse::<netboot_nix::AttributePath>().unwrap_err();
        assert!(matches!(error, Error::InvalidText { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("`python3Packages.requests`"), "{error}");
    }
    "python3Packages.requests".parse::<netboot_nix::AttributePath>().unwrap();
    for text in ["", "ssh-ed25519 AAAAC3Nza...", "ssh-ed25519", "alice", "ssh-rsa AAAA\nssh-rsa"] {
        let error = text.parse::<AuthorizedKey>().unwrap_err();
        let read = serde_json::from_value::<AuthorizedKey>(text.into());
        assert_eq!(read.unwrap_err().to_string(), error.to_string());
        assert!(matches!(error, Error::InvalidText { .. }), "{error:?}");
    }
    let options = format!("from=\"10.0.0.0/8,a b\",no-pty {KEY}");
    assert_eq!(options.parse::<AuthorizedKey>().unwrap().as_str(), options);
}

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti alice";
