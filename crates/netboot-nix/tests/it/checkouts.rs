//! Nothing of a checkout is in a release with documents, and so not in its id: neither the name of
//! the directory nor the branch.

use std::fs;
use std::path::Path;
use std::process::Command;

use netboot_core::{
    ArtifactKind, Builder, BytesArtifact, Context, DocumentKind, Image, PointerTemplate, Release,
    layout,
};
use netboot_sbom::{sbom, statement, with_documents};

use crate::place::{NixVersion, Place, WITH_INIT, least_configuration, profile, with_nix_versions};

with_nix_versions! {
    give_one_release_whatever_their_names_and_branches in [cases]
    tell_no_secret_of_their_addresses in [cases]
}

/// Builds a flake with new state, and documents the image.
async fn build(place: &Place, flake: &str, state: &str) -> Image {
    let builder = place.builder(flake).state_directory(place.path().join(state)).secret("hunter22");
    let image = builder.build().unwrap().build(&profile("x"), &Context::new()).await.unwrap();
    with_documents(image, &DocumentKind::ALL).unwrap()
}

fn release(image: Image) -> Release {
    let script = || BytesArtifact::new(ArtifactKind::Script, "boot.ipxe", "#!ipxe\n").unwrap();
    let mark = layout::GENERATED_MARK;
    let id = netboot_core::RELEASE_ID_PLACEHOLDER;
    let pointer = format!("#!ipxe\n{mark}\nchain releases/{id}/boot.ipxe\n");
    Release::builder([image])
        .script(layout::boot_script(), script())
        .script("x/netboot.ipxe", script())
        .build(PointerTemplate::new(pointer).unwrap())
        .unwrap()
}

fn flake(place: &Place) -> String {
    let configuration = least_configuration("x", WITH_INIT, "{ }");
    place.flake(&format!("{{ nixosConfigurations.netboot-x.config = {configuration}; }}"))
}

fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=x", "-c", "user.email=x@example.org"]);
    command.args(["-c", "commit.gpgsign=false", "-C"]).arg(directory).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn have_one_release(place: &Place, one: &str, other: &str) {
    let (one, other) = (build(place, one, "one").await, build(place, other, "other").await);
    let texts = |image: &Image| {
        [sbom(image), statement(image)].map(|text| String::from_utf8(text.unwrap()).unwrap())
    };
    let [sbom, statement] = texts(&one);
    assert_eq!([&sbom, &statement], texts(&other).each_ref());
    assert!(!statement.contains("build-4") && !sbom.contains("build-4"), "{statement}");
    let (one, other) = (release(one), release(other));
    assert_eq!(one.id(), other.id());
    // Its manifest has the same bytes, so a signature of one is valid for both.
    assert_eq!(one.manifest().to_json().unwrap(), other.manifest().to_json().unwrap());
}

mod cases {
    use super::*;

    pub(super) async fn give_one_release_whatever_their_names_and_branches(nix: NixVersion) {
        let place = Place::of(nix);
        flake(&place);
        let directory = |name: &str| place.path().join(name);
        let (first, second) = (directory("build-42"), directory("build-43"));
        fs::rename(directory("own"), &first).unwrap();
        git(&first, &["init", "-q", "-b", "main"]);
        git(&first, &["add", "flake.nix"]);
        git(&first, &["commit", "-q", "-m", "x"]);
        git(&place.path(), &["clone", "-q", "build-42", "build-43"]);
        git(&second, &["checkout", "-q", "-b", "hotfix"]);
        for scheme in ["", "git+file://"] {
            let [one, other] = [&first, &second].map(|it| format!("{scheme}{}", it.display()));
            have_one_release(&place, &one, &other).await;
        }
        // Directories without version control.
        for checkout in [&first, &second] {
            fs::remove_dir_all(checkout.join(".git")).unwrap();
        }
        let [one, other] = [&first, &second].map(|it| format!("path:{}", it.display()));
        have_one_release(&place, &one, &other).await;
    }

    pub(super) async fn tell_no_secret_of_their_addresses(nix: NixVersion) {
        let place = Place::of(nix);
        flake(&place);
        let all = place.path().join("all");
        fs::create_dir(&all).unwrap();
        fs::rename(place.path().join("own"), all.join("hunter22")).unwrap();
        git(&all, &["init", "-q", "-b", "main"]);
        git(&all, &["add", "."]);
        git(&all, &["commit", "-q", "-m", "x"]);
        let reference = format!("git+file://{}?dir=hunter22", all.display());
        let image = build(&place, &reference, "state").await;
        let source = image.provenance().source.clone().unwrap();
        assert!(source.starts_with("git+file:.?") && source.contains("dir=***"), "{source}");
        let statement = String::from_utf8(statement(&image).unwrap()).unwrap();
        let manifest = format!("{:?}", image.manifest());
        for text in [statement, manifest] {
            assert!(text.contains("dir=***") && !text.contains("hunter22"), "{text}");
        }
    }
}
