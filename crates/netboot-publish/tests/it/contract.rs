//! Every store keeps the contract, and the publisher keeps its promises on every store, also on one
//! that lacks a capability.

use std::fmt;
use std::sync::{Arc, Mutex};

use netboot_publish::{Capabilities, LocalStore, MemoryStore, Store, StoreLayer, contract};
use tempfile::TempDir;

/// New directories, which are deleted when this is dropped.
#[derive(Default)]
struct Directories(Mutex<Vec<TempDir>>);

impl Directories {
    fn store(&self) -> Arc<dyn Store> {
        let directory = TempDir::new().unwrap();
        // The store has to create its directory.
        let store = LocalStore::new(directory.path().join("published"));
        self.0.lock().unwrap().push(directory);
        Arc::new(store)
    }
}

fn memory(capabilities: Capabilities) -> impl Fn() -> Arc<dyn Store> {
    move || Arc::new(MemoryStore::new().with_capabilities(capabilities))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_is_a_store() {
    let directories = Directories::default();
    contract::check_store(|| directories.store()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_to_a_directory_keeps_the_promises() {
    let directories = Directories::default();
    contract::check_publisher(|| directories.store()).await;
}

#[tokio::test]
async fn memory_is_a_store() {
    contract::check_store(memory(Capabilities::all())).await;
    contract::check_store(memory(Capabilities::none())).await;
}

/// A layer that changes nothing.
#[derive(Debug)]
struct Unchanged(Box<dyn Store>);

impl fmt::Display for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StoreLayer for Unchanged {
    fn inner(&self) -> &dyn Store {
        &self.0
    }
}

#[tokio::test]
async fn a_layer_and_a_pointer_to_a_store_are_stores() {
    for capabilities in [Capabilities::all(), Capabilities::none()] {
        let make = || Unchanged(Box::new(MemoryStore::new().with_capabilities(capabilities)));
        contract::check_store(|| Arc::new(Arc::new(make()))).await;
    }
}

#[tokio::test]
async fn publishing_to_memory_keeps_the_promises() {
    contract::check_publisher(memory(Capabilities::all())).await;
}

#[tokio::test]
async fn publishing_without_any_ability_keeps_the_promises_but_order() {
    contract::check_publisher(memory(Capabilities::none())).await;
    contract::check_publisher(memory(Capabilities::none().with_compare_and_swap(true))).await;
}
