//! The builder keeps its contract with real Nix and the test flake.

use netboot_core::contract::{BuilderCases, check_builder};

use crate::place::{Place, configuration, profiles};

#[tokio::test]
async fn it_keeps_the_contract_of_a_builder() {
    let place = Place::new();
    let flake = place.test_flake();
    // The test flake with an additional profile, which has a kernel that does not build.
    let directory = place.path().join("flake");
    std::fs::rename(directory.join("flake.nix"), directory.join("good.nix")).unwrap();
    let broken = configuration("broken", "exit 1");
    let text = format!(
        "{{ outputs = {{ self }}: let good = (import ./good.nix).outputs {{ inherit self; }}; in {{ nixosConfigurations = good.nixosConfigurations // {{ netboot-broken.config = {broken}; }}; }}; }}"
    );
    std::fs::write(directory.join("flake.nix"), text).unwrap();
    let builder = place.builder(&flake).build().unwrap();
    let broken = profiles(&["broken"]).remove(0);
    let good = profiles(&["control-plane", "worker", "all-in-one"]);
    check_builder(&builder, BuilderCases::new(good, broken)).await;
}
