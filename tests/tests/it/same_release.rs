//! Equal inputs give the same release, in every directory and for every user.

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
    assert_ne!(first.manifest().logs(), second.manifest().logs());
    let worker = "worker";
    let (one, other) = (&first.manifest().images()[worker], &second.manifest().images()[worker]);
    assert_eq!(one.provenance, other.provenance);
}
