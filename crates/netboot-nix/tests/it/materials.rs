//! The things that an image was made from, for each version of Nix.

use std::fs;

use netboot_core::{Builder, Context, Image};
use netboot_nix::Overrides;
use serde_json::json;

use crate::place::{NixVersion, Place, WITH_INIT, extensible, least_configuration, profile};

/// A key with an option and a comment, which tell about people.
const KEY: &str = "from=\"alice.lan\" ssh-ed25519 \
    AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti alice@laptop";

/// The fingerprint that `ssh-keygen -l` prints of the key.
const FINGERPRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

/// A flake whose image `x` also has the package `tool-1.2` and a package that needs it.
fn flake(place: &Place) -> String {
    let configuration = least_configuration(
        "x",
        WITH_INIT,
        r#"{
          netboot.storeContents = [ user ];
          environment.systemPackages = [
            (tool // { meta.license = [ { spdxId = "MIT"; } { fullName = "Our own"; } { } 7 ]; })
            (user // { meta.license = "GPL-2.0-only"; })
            (tool // { meta = throw "unfree"; })
            { } "text" null
          ];
        }"#,
    );
    let builder = |name: &str, script: &str| {
        format!(
            r#"derivation {{ name = "{name}"; system = "x86_64-linux"; builder = "/bin/sh";
               args = [ "-c" ''{script}'' ]; }}"#
        )
    };
    place.flake(&format!(
        "let tool = {}; user = {}; in {{ nixosConfigurations.netboot-x = {}; }}",
        builder("tool-1.2", "echo tool > $out"),
        builder("user-3", "echo ${tool} > $out"),
        extensible(&[&configuration], "{ }")
    ))
}

async fn build(place: &Place, flake: &str, state: &str, licences: bool) -> Image {
    let settings = json!({ "users": { "motd": "hunter22" } });
    let module = place.path().join("of alice.nix");
    fs::write(&module, "{ }").unwrap();
    let overrides = Overrides::builder()
        .settings(settings)
        .kernel_parameter("token=hunter23")
        .authorized_key("root", KEY)
        .module(module);
    let builder = place
        .builder(flake)
        .state_directory(place.path().join(state))
        .licences(licences)
        .overrides(overrides.build().unwrap())
        .secret("hunter23")
        .build()
        .unwrap();
    builder.build(&profile("x"), &Context::new()).await.unwrap()
}

#[tokio::test]
async fn are_complete_and_the_same_in_every_state_directory() {
    tells_all(&Place::new()).await;
}

async fn are_complete(nix: NixVersion) {
    tells_all(&Place::of(nix)).await;
}

async fn tells_all(place: &Place) {
    let flake = flake(place);
    let image = build(place, &flake, "one", true).await;
    let materials = image.materials().unwrap();
    let toplevel = &image.provenance().outputs["toplevel"];
    assert!(materials.store_paths[toplevel].nar_size > 0);
    assert_eq!(
        materials.store_paths[toplevel].nar_hash,
        image.provenance().output_hashes["toplevel"]
    );
    let of = |name: &str| {
        let mut found = materials.store_paths.iter().filter(|(path, _)| path.ends_with(name));
        found.next().unwrap_or_else(|| panic!("{name} is not in {:#?}", materials.store_paths))
    };
    let (tool, user) = (of("-tool-1.2"), of("-user-3"));
    assert!(user.1.references.iter().eq([tool.0]));
    assert!(tool.1.references.is_empty());
    assert!(tool.1.licences.iter().eq(["MIT", "Our own"]), "{:?}", tool.1.licences);
    assert!(user.1.licences.iter().eq(["GPL-2.0-only"]));

    let source = &materials.sources[""];
    assert_eq!(Some(&source.url), image.provenance().source.as_ref());
    assert_eq!(source.nar_hash, image.provenance().source_hash);
    assert_eq!(materials.parameters["attribute"], "nixosConfigurations.netboot-x");
    assert_eq!(materials.parameters["payload"], "ramdisk");
    let overrides = &materials.parameters["overrides"];
    assert_eq!(overrides["settings"], 1, "{overrides}");
    assert_eq!(overrides["authorized_keys"], json!({ "root": [FINGERPRINT] }));
    assert!(overrides["modules"][0]["narHash"].is_string(), "{overrides}");
    assert_eq!(overrides["kernel_parameters"][0], "token=***");
    let shown = format!("{materials:?}");
    for private in ["hunter", "alice", &place.path().display().to_string()] {
        assert!(!shown.contains(private), "{private}: {shown}");
    }

    let again = build(place, &flake, "two", true).await;
    assert_eq!(again.materials(), image.materials());
    let without = build(place, &flake, "two", false).await;
    let mut known = without.materials().unwrap().store_paths.values();
    assert!(known.all(|material| material.licences.is_empty()));
}

mod with_nix_versions {
    crate::place::with_nix_versions! {
        are_complete in [super]
    }
}
