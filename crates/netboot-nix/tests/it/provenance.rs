//! The provenance in a manifest, for each version of Nix, in repeated builds.

use std::process::Command;

use netboot_core::{Builder, Context, Image};

use crate::place::{NixVersion, Place, WITH_INIT, least_configuration, profile, profiles};

fn manifest(image: &Image) -> String {
    serde_json::to_string_pretty(&image.manifest()).unwrap()
}

fn flake(place: &Place) -> String {
    place.flake(&format!(
        "{{ nixosConfigurations = {{ netboot-a.config = {}; netboot-b.config = {}; }}; }}",
        least_configuration("a", WITH_INIT, "{ }"),
        least_configuration("b", WITH_INIT, "{ }")
    ))
}

/// The output of a program without the last newline.
fn output(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn says_where_an_image_comes_from(nix: NixVersion) {
    let place = Place::of(nix);
    let builder = place.builder(&flake(&place)).build().unwrap();
    let image = builder.build(&profile("a"), &Context::new()).await.unwrap();
    let provenance = image.provenance();
    assert_eq!(provenance.builder, "nix");
    assert!(provenance.tools["nix"].starts_with(nix.as_str()), "{:?}", provenance.tools);
    let hash = provenance.source_hash.as_deref().unwrap();
    assert!(hash.starts_with("sha256-"), "{hash}");
    let source = provenance.source.as_deref().unwrap();
    assert!(source.starts_with("path:.?narHash=sha256-"), "{source}");

    for part in ["kernel", "initrd", "toplevel"] {
        let (derivation, out) = (&provenance.derivations[part], &provenance.outputs[part]);
        let mut query = place.command("nix-store");
        query.args(["--query", "--deriver", out]);
        assert_eq!(&output(query), derivation);
        let mut hash = place.command("nix");
        hash.args(["hash", "path", out]);
        assert_eq!(output(hash), provenance.output_hashes[part], "{part}");
    }
}

async fn gives_equal_bytes_again(nix: NixVersion) {
    let place = Place::of(nix);
    let flake = flake(&place);
    let builder = || place.builder(&flake).build().unwrap();
    let first = builder().build_all(&profiles(&["a", "b"]), &Context::new()).await;
    let first: Vec<String> = first.into_iter().map(|image| manifest(&image.unwrap())).collect();
    // Build in the other order, alone, and with another builder.
    let second = builder().build_all(&profiles(&["b", "a"]), &Context::new()).await;
    let second: Vec<String> = second.into_iter().map(|image| manifest(&image.unwrap())).collect();
    assert_eq!(first, [second[1].clone(), second[0].clone()]);
    let third = builder().build(&profile("b"), &Context::new()).await.unwrap();
    assert_eq!(manifest(&third), first[1]);
}

async fn of_a_repository_with_changes_is_told_by_its_hash(nix: NixVersion) {
    let place = Place::of(nix);
    flake(&place);
    let directory = place.path().join("own");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@example.org"]);
        command.args(["-c", "commit.gpgsign=false", "-C"]).arg(&directory).args(arguments);
        output(command)
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "flake.nix"]);
    let builder = place.builder(directory.to_str().unwrap()).build().unwrap();
    let provenance = async || {
        let image = builder.build(&profile("a"), &Context::new()).await.unwrap();
        image.provenance().clone()
    };
    let dirty = provenance().await;
    git(&["commit", "-q", "-m", "x"]);
    let clean = provenance().await;
    let hash = dirty.source_hash.as_deref().unwrap();
    assert_eq!(dirty.source.as_deref(), Some(&*format!("git+file:.?narHash={hash}")));
    let revision = git(&["rev-parse", "HEAD"]);
    assert_eq!(clean.source.as_deref(), Some(&*format!("git+file:.?rev={revision}")));
    assert_eq!(dirty.source_hash, clean.source_hash);
    assert_eq!(dirty.output_hashes, clean.output_hashes);
}

mod with_nix_versions {
    crate::place::with_nix_versions! {
        says_where_an_image_comes_from in [super]
        gives_equal_bytes_again in [super]
        of_a_repository_with_changes_is_told_by_its_hash in [super]
    }
}
