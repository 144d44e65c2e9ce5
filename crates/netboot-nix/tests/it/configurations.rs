//! The values of a configuration, in the forms that NixOS and its users write.

use std::error::Error as _;
use std::sync::Arc;

use netboot_core::{Architecture, Builder, Context, Image, KernelParameter, Payload, Profile};
use netboot_nix::Error;

use crate::place::{Place, STORE_IMAGE, WITH_INIT, least_configuration, profile, profiles};

async fn build(configuration: &str) -> Result<Image, Error> {
    let place = Place::new();
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let builder = place.builder(&flake).build().unwrap();
    builder.build(&profile("x"), &Context::new()).await.map_err(|error| {
        let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
        inner.unwrap_or_else(|| panic!("no error of Nix: {error:?}")).clone()
    })
}

#[tokio::test]
async fn an_initrd_with_the_init_itself_is_taken() {
    let image = build(&least_configuration("x", WITH_INIT, "{ }")).await.unwrap();
    assert_eq!(image.kernel().file_name().as_str(), "bzImage");
}

#[tokio::test]
async fn an_initrd_with_a_store_image_is_taken_if_it_was_built_from_the_system() {
    build(&least_configuration("x", STORE_IMAGE, "{ }")).await.unwrap();

    // The initrd of another system, as in a flake that overrides only one of the two.
    let other = "{ system = it.system // { build = it.system.build // { toplevel = other; }; }; }";
    let configuration = format!(
        "let other = {}.system.build.toplevel; in {}",
        least_configuration("other", WITH_INIT, "{ }"),
        least_configuration("x", STORE_IMAGE, other)
    );
    let error = build(&configuration).await.unwrap_err();
    assert!(matches!(error, Error::InitrdOutOfStep { .. }), "{error:?}");
}

#[tokio::test]
async fn an_initrd_that_is_known_not_to_hold_the_init_is_refused() {
    let configuration = least_configuration("x", "echo nothing > root/file", "{ }");
    let error = build(&configuration).await.unwrap_err();
    assert!(matches!(error, Error::InitrdOutOfStep { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("`external`"), "{error:?}");

    // A root of NFS, of HTTP or on a disk is not in the initrd.
    let place = Place::new();
    let flake =
        place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"));
    let builder = place.builder(&flake).build().unwrap();
    let external = profile("x").with_payload(Payload::External);
    let image = builder.build(&external, &Context::new()).await.unwrap();
    assert!(image.boot().init().as_str().ends_with("/init"), "{image:?}");
}

#[tokio::test]
async fn kernel_parameters_keep_their_order_and_their_quotes() {
    let overrides = r#"{ boot.kernelParams = [ "b=2 a=1" "c=\"x y\"" "" ]; }"#;
    let image = build(&least_configuration("x", WITH_INIT, overrides)).await.unwrap();
    let parameters: Vec<_> =
        image.boot().kernel_parameters().iter().map(KernelParameter::as_str).collect();
    assert_eq!(parameters, ["b=2", "a=1", r#"c="x y""#]);
}

#[tokio::test]
async fn values_that_cannot_be_used_are_named_and_sink_no_other_profile() {
    let bad = |overrides| least_configuration("bad", WITH_INIT, overrides);
    let place = Place::new();
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-file.config = {}; netboot-name.config = {}; netboot-list.config = {}; netboot-init.config = {}; netboot-good.config = {}; }}; }}",
        bad("{ system = it.system // { boot.loader.kernelFile = 5; }; }"),
        bad("{ system = it.system // { boot.loader.kernelFile = \"../x\"; }; }"),
        bad("{ boot.kernelParams = \"quiet\"; }"),
        bad("{ boot.kernelParams = [ \"init=/bin/sh\" ]; }"),
        least_configuration("good", WITH_INIT, "{ }"),
    ));
    let builder = place.builder(&flake).build().unwrap();
    let names = profiles(&["file", "name", "list", "init", "good"]);
    let mut results = builder.build_all(&names, &Context::new()).await;
    results.pop().unwrap().unwrap();
    for (result, expected) in results.into_iter().zip([
        "netboot-file.config.system.boot.loader.kernelFile",
        "netboot-name.config.system.boot.loader.kernelFile",
        "netboot-list.config.boot.kernelParams",
        "netboot-init.config.boot.kernelParams",
    ]) {
        let error = result.unwrap_err();
        let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
        let Some(Error::UnusableValue { attribute, .. }) = inner else { panic!("{error:?}") };
        assert!(attribute.ends_with(expected), "{attribute}");
    }
}

/// The derivations of a cross build have the system of the machine that builds.
#[tokio::test]
async fn the_system_that_a_configuration_is_for_counts_and_not_the_one_that_builds_it() {
    let place = Place::new();
    let least = |overrides| least_configuration("x", WITH_INIT, overrides);
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ \
           netboot-text.config = {}; netboot-set.config = {}; netboot-none.config = {}; \
           netboot-pkgs = {{ config = {}; pkgs.stdenv.hostPlatform.system = \"aarch64-linux\"; }}; \
         }}; }}",
        least("{ nixpkgs.hostPlatform = \"aarch64-linux\"; }"),
        least("{ nixpkgs.hostPlatform = { system = \"aarch64-linux\"; config = \"x\"; }; }"),
        least("{ nixpkgs.hostPlatform = 5; }"),
        least("{ nixpkgs.hostPlatform = \"x86_64-linux\"; }"),
    ));
    let builder = place.builder(&flake).build().unwrap();
    for architecture in [Architecture::X86_64, Architecture::Aarch64] {
        let names = ["text", "set", "pkgs", "none"];
        let wanted = names.map(|name| -> Arc<dyn Profile> {
            Arc::new(profile(name).with_architecture(architecture))
        });
        let checked = builder.check(&wanted, &Context::new()).await;
        for (name, checked) in names.into_iter().zip(checked) {
            let is_aarch64 = name != "none";
            if (architecture == Architecture::Aarch64) == is_aarch64 {
                checked.unwrap();
                continue;
            }
            let error = checked.unwrap_err();
            let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
            let mismatch = matches!(inner, Some(Error::ArchitectureMismatch { .. }));
            assert!(mismatch, "{name} for {architecture}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_output_without_its_file_is_named() {
    let overrides = "{ system = it.system // { boot.loader.kernelFile = \"Image\"; }; }";
    let error = build(&least_configuration("x", WITH_INIT, overrides)).await.unwrap_err();
    let Error::OutputMissing { path, .. } = error else { panic!("{error:?}") };
    assert!(path.ends_with("Image"), "{}", path.display());
    build(&least_configuration("x", WITH_INIT, &overrides.replace("Image", "bzImage")))
        .await
        .unwrap();

    let dangling = format!(
        "{WITH_INIT}; ln() {{ busybox ln \"$@\"; }}; ln -s /nowhere \"$out/initrd\"; exit 0"
    );
    let error = build(&least_configuration("x", &dangling, "{ }")).await.unwrap_err();
    let Error::OutputMissing { path, .. } = error else { panic!("{error:?}") };
    assert!(path.ends_with("initrd"), "{}", path.display());
}

#[tokio::test]
async fn a_kernel_and_an_initrd_may_be_files_instead_of_directories() {
    let busybox = netboot_testbed::Testbed::locate().busybox().display().to_string();
    let file = |part: &str, from: &str| {
        format!(
            r#"derivation {{ name = "{part}-file"; system = "x86_64-linux"; builder = "{busybox}";
               args = [ "cp" "${{it.system.build.{part}}}/{from}" (builtins.placeholder "out") ]; }}"#
        )
    };
    let overrides = format!(
        "{{ system = it.system // {{ build = it.system.build // {{ kernel = {}; netbootRamdisk = {}; }}; }}; }}",
        file("kernel", "bzImage"),
        file("netbootRamdisk", "initrd")
    );
    let image = build(&least_configuration("x", WITH_INIT, &overrides)).await.unwrap();
    assert_eq!(image.kernel().file_name().as_str(), "bzImage");
    let ordinary = build(&least_configuration("x", WITH_INIT, "{ }")).await.unwrap();
    assert_eq!(image.kernel().size(), ordinary.kernel().size());
    assert_eq!(image.initrds()[0].file_name().as_str(), "initrd");
}

/// Nix knows the paths of such outputs only after the build.
#[tokio::test]
async fn a_content_addressed_part_is_told_before_anything_is_built() {
    let place = Place::new();
    let overrides = r#"{ system = it.system // { build = it.system.build // {
        kernel = derivation {
          name = "linux-ca"; system = "x86_64-linux"; builder = "/bin/false";
          __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256";
        };
    }; }; }"#;
    let flake = place.flake(&format!(
        "{{ nixosConfigurations.netboot-x.config = {}; }}",
        least_configuration("x", WITH_INIT, overrides)
    ));
    let features = place.settings("extra-experimental-features = ca-derivations");
    let builder = place.builder(&flake).environment("NIX_CONFIG", features).build().unwrap();
    let error = builder.build(&profile("x"), &Context::new()).await.unwrap_err();
    let inner = error.source().and_then(|source| source.downcast_ref::<Error>());
    let Some(Error::UnusableValue { attribute, problem }) = inner else { panic!("{error:?}") };
    assert!(attribute.ends_with("system.build.kernel"), "{attribute}");
    assert!(problem.contains("content-addressed"), "{problem}");
}
