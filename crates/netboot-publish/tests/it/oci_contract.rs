//! A repository of a registry keeps the contract of stores, and the publisher keeps its promises
//! in it: in Docker's registry, with and without a password, and in a registry of other people.
//!
//! An ordinary run takes the suite for publishers in brief in all but Docker's registry, and with a
//! password it takes that suite alone. With `NETBOOT_LONG_TESTS`, a run takes the full suites.

use netboot_publish::{Capabilities, Store, contract};
use netboot_testbed::{RegistryAccess, is_long};

use crate::oci::{Docker, Ferro, builder, targets};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dockers_registry_is_a_store_without_compare_and_swap() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    let store = docker.builder("boot/nixos").build().await.unwrap();
    let able = Capabilities::none().with_partial_reads(true);
    assert_eq!(store.capabilities(), able, "it ignores conditions");
    contract::check_store(targets(|repository| docker.builder(repository))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_to_dockers_registry_keeps_the_promises_but_order() {
    let docker = Docker::start(&RegistryAccess::Anyone);
    contract::check_publisher(targets(|repository| docker.builder(repository))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_with_a_password_is_a_store() {
    let docker = Docker::start(&RegistryAccess::Password);
    let make = targets(|repository| docker.with_login(repository));
    if is_long() {
        contract::check_store(&make).await;
    }
    contract::check_publisher_in_brief(&make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ferro_is_a_store() {
    let ferro = Ferro::start().await;
    contract::check_store(targets(|repository| builder(&ferro.address, repository))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_to_ferro_keeps_the_promises() {
    let ferro = Ferro::start().await;
    let make = targets(|repository| builder(&ferro.address, repository));
    if is_long() {
        contract::check_publisher(make).await;
    } else {
        contract::check_publisher_in_brief(make).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_keeps_conditions_is_a_store_with_compare_and_swap() {
    let ferro = Ferro::with_conditions().await;
    let make = targets(|repository| builder(&ferro.address, repository));
    let able = Capabilities::none().with_compare_and_swap(true).with_partial_reads(true);
    assert_eq!(make().capabilities(), able);
    contract::check_store(&make).await;
    contract::check_publisher_in_brief(&make).await;
}
