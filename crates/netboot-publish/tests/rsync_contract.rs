//! A directory that `rsync` gets to is a store, and the publisher over it keeps its promises: to
//! a daemon, over ssh, and where the account may only run `rrsync`.
#![expect(clippy::unwrap_used, reason = "a test's set-up that fails is the test's failure")]

mod rsync;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use netboot_publish::{Capabilities, RsyncStore, Store, contract};

use self::rsync::{DaemonSite, SshSite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_module_of_a_daemon_is_a_store() {
    let site = DaemonSite::new();
    let store = site.builder("any").build().unwrap();
    assert_eq!(store.capabilities(), Capabilities::none().with_links(true));
    contract::check_store(site.targets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_to_a_daemon_keeps_the_promises_but_order() {
    let site = DaemonSite::new();
    contract::check_publisher(site.targets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_behind_ssh_is_a_store() {
    let site = SshSite::new();
    contract::check_store(site.targets()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_over_ssh_keeps_the_promises_but_order() {
    let site = SshSite::new();
    contract::check_publisher(site.targets()).await;
}

/// New directories below the one that `rrsync` confines the account to.
fn restricted(site: &SshSite) -> impl Fn() -> Arc<dyn Store> {
    let published = site.published();
    let options = site.restricted(published.to_str().unwrap());
    let identity = site.server.authorize("restricted", &options);
    let count = AtomicUsize::new(0);
    move || {
        let name = format!("/target-{}", count.fetch_add(1, Ordering::Relaxed));
        let store = RsyncStore::builder(site.target(&name))
            .identity_file(&identity)
            .host_key(&site.server.host_key());
        Arc::new(store.build().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_of_an_account_that_may_only_run_rrsync_is_a_store() {
    let site = SshSite::new();
    contract::check_store(restricted(&site)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_to_an_account_that_may_only_run_rrsync_keeps_the_promises_but_order() {
    let site = SshSite::new();
    contract::check_publisher(restricted(&site)).await;
}
