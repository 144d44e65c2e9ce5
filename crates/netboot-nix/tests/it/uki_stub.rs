//! The stubs for UKIs of configurations' own systemd.

use std::fs;
use std::sync::Arc;

use netboot_core::{Architecture, Builder, Context, Profile, ProfileSpec};
use netboot_nix::Error;
use netboot_testbed::{DebianTree, TestFlake, Testbed};

use crate::place::{Place, WITH_INIT, least_configuration, manifest, profile};

fn nix_error(error: &netboot_core::Error) -> Error {
    let source = std::error::Error::source(error).unwrap();
    source.downcast_ref::<Error>().unwrap().clone()
}

#[tokio::test]
async fn each_image_has_the_stub_of_its_configuration_s_systemd() {
    let place = Place::new();
    let flake = TestFlake::new(&Testbed::locate(), "stubs").with_aarch64().with_stubs();
    let reference = flake.write(&place.path().join("flake")).unwrap();
    let arm = ProfileSpec::new("worker-aarch64").unwrap().with_architecture(Architecture::Aarch64);
    let both: Vec<Arc<dyn Profile>> = vec![Arc::new(profile("worker")), Arc::new(arm)];
    let builder = place.builder(&reference).uki_stub(true).build().unwrap();
    let images = builder.build_all(&both, &Context::new()).await;
    for (image, name) in images.into_iter().zip(["linuxx64.efi.stub", "linuxaa64.efi.stub"]) {
        let image = image.unwrap();
        let stub = image.uki_stub().unwrap();
        assert!(stub.ends_with(format!("lib/systemd/boot/efi/{name}")), "{}", stub.display());
        assert!(fs::read(stub).unwrap() == fs::read(DebianTree::systemd_efi(name)).unwrap());
        // The image itself stays as it is.
        assert!(!manifest(&image).contains("systemd"), "{}", manifest(&image));
    }
}

#[tokio::test]
async fn a_configuration_without_systemd_or_without_its_stub_is_refused_if_the_stub_is_wanted() {
    let place = Place::new();
    let systemd = |script: &str| {
        format!(
            r#"{{ systemd.package = derivation {{
                name = "systemd"; system = "x86_64-linux"; builder = "{}";
                args = [ "sh" "-c" "{script}" ];
            }}; }}"#,
            Testbed::locate().busybox().display()
        )
    };
    let busybox = Testbed::locate().busybox().display().to_string();
    let whole = format!(
        "{busybox} mkdir -p $out/lib/systemd/boot/efi; echo stub > $out/lib/systemd/boot/efi/linuxx64.efi.stub"
    );
    let of = |overrides: &str| least_configuration("x", WITH_INIT, overrides);
    let flake = place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-without.config = {}; netboot-bare.config = {}; \
         netboot-whole.config = {}; }}; }}",
        of("{ }"),
        of(&systemd(&format!("{busybox} mkdir $out"))),
        of(&systemd(&whole)),
    ));
    let builder = place.builder(&flake).uki_stub(true).build().unwrap();
    let build = async |name: &str| builder.build(&profile(name), &Context::new()).await;
    let error = nix_error(&build("without").await.unwrap_err());
    let Error::AttributeMissing { attribute, .. } = &error else { panic!("{error:?}") };
    assert_eq!(attribute, "nixosConfigurations.netboot-without.config.systemd.package");
    assert!(error.hint().unwrap().contains("leave `uki_stub` of the builder"));
    let error = nix_error(&build("bare").await.unwrap_err());
    let Error::OutputMissing { path, .. } = &error else { panic!("{error:?}") };
    assert!(path.ends_with("lib/systemd/boot/efi/linuxx64.efi.stub"), "{}", path.display());
    assert!(error.hint().unwrap().contains("`withBootloader` in nixpkgs"));
    let image = build("whole").await.unwrap();
    assert_eq!(fs::read(image.uki_stub().unwrap()).unwrap(), b"stub\n");
    // Who does not want the stub needs no systemd.
    let builder = place.builder(&flake).build().unwrap();
    let image = builder.build(&profile("without"), &Context::new()).await.unwrap();
    assert_eq!(image.uki_stub(), None);
}
