//! Equal inputs give the same release, in every directory and for every user.

use std::path::Path;

use netboot_core::{Builder, Context, ProfileSpec, Release};
use netboot_ipxe::Renderer;
use netboot_nix::NixBuilder;
use netboot_testbed::{HermeticNix, Testbed};
use tempfile::TempDir;

/// Writes the test flake to a new directory, builds its worker with new state, and renders it.
async fn release(nix: &HermeticNix) -> Release {
    let checkout = TempDir::new().unwrap();
    let flake = Testbed::locate().write_flake(&checkout.path().join("infra"), "one");
    let builder = NixBuilder::options(flake).state_directory(checkout.path().join("state"));
    let environment = nix.environment().into_iter();
    let builder = environment.fold(builder, |b, (name, value)| b.environment(name, value));
    let worker = ProfileSpec::new("worker").unwrap();
    let image = builder.build().unwrap().build(&worker, &Context::new()).await.unwrap();
    Renderer::builder().build().unwrap().render_release([image]).unwrap()
}

#[tokio::test]
async fn two_checkouts_make_one_release() {
    let nix = HermeticNix::new();
    // The second build finds everything in the store, so its log differs.
    let (first, second) = (release(&nix).await, release(&nix).await);
    assert_eq!(first.id(), second.id());
    let log = |release: &Release| release.logs().values().next().unwrap().sha256();
    assert_ne!(log(&first), log(&second));
    // Nix has forgotten everything, as on another machine.
    let forgotten = nix.command("nix-store").arg("--gc").output().unwrap();
    assert!(forgotten.status.success(), "{forgotten:?}");
    let kernel = first.manifest().images()["worker"].provenance.outputs["kernel"].clone();
    assert!(!Path::new(&kernel).exists());
    let third = release(&nix).await;
    assert!(Path::new(&kernel).exists());
    // Its manifest has the same bytes, so a signature of one is valid for all.
    let json =
        |release: &Release| String::from_utf8(release.manifest().to_json().unwrap()).unwrap();
    assert_eq!(json(&first), json(&second));
    assert_eq!(json(&first), json(&third));
}
