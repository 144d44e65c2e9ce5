//! The list of a flake's configurations.

use std::error::Error as _;

use netboot_core::Context;

use crate::place::Place;

#[tokio::test]
async fn configurations_are_listed_without_being_evaluated() {
    let place = Place::new();
    let flake = place.flake(
        r#"{ nixosConfigurations = { pxe = throw "never"; "live \${x" = 1 + "x"; a = { }; }; }"#,
    );
    let builder = place.builder(&flake).build().unwrap();
    let names = builder.configurations(&Context::new()).await.unwrap();
    assert_eq!(names, ["a", "live ${x", "pxe"]);
}

#[tokio::test]
async fn a_flake_without_configurations_is_told_apart_from_an_empty_one() {
    let place = Place::new();
    let builder = place.builder(&place.flake("{ nixosConfigurations = { }; }")).build().unwrap();
    assert!(builder.configurations(&Context::new()).await.unwrap().is_empty());

    let builder = place.builder(&place.flake("{ packages = { }; }")).build().unwrap();
    let error = builder.configurations(&Context::new()).await.unwrap_err();
    let inner = error.source().and_then(|source| source.downcast_ref::<netboot_nix::Error>());
    assert!(matches!(inner, Some(netboot_nix::Error::AttributeMissing { .. })), "{error:?}");
    assert_eq!(error.hint(), inner.unwrap().hint());

    let cancelled = Context::new();
    cancelled.cancellation().cancel();
    let error = builder.configurations(&cancelled).await.unwrap_err();
    assert!(matches!(error, netboot_core::Error::Cancelled), "{error:?}");
}
