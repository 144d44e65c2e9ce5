//! A target of `rsync` keeps the contract of stores, and the publisher keeps its promises on it:
//! with a daemon, over ssh, with an account that may only run `rrsync`, and with one that may only
//! write.
//!
//! The full suites take many minutes, because each call of a store runs `rsync` at least once. They
//! run if the environment variable `NETBOOT_LONG_TESTS` is set. Without it, the
//! suite for stores, and that for publishers in brief, run at a daemon and over ssh; and everything
//! that a publisher does runs once on the other accounts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use netboot_core::{Context, layout};
use netboot_publish::contract::later;
use netboot_publish::{
    Capabilities, Error, Finding, Publisher, Retention, RollbackTo, RsyncStore, RsyncStoreBuilder,
    Store, VerifyDepth, VerifyScope, contract,
};
use netboot_testbed::is_long;
use tempfile::TempDir;

use crate::rsync::{self, DaemonSite, SshSite};
use crate::site;

/// Returns a new target and its directory at each call.
type Make<'a> = Box<dyn Fn() -> (Arc<dyn Store>, PathBuf) + 'a>;

/// Targets below a directory. `builder` gets the name of each target.
fn targets<'a>(root: PathBuf, builder: impl Fn(&str) -> RsyncStoreBuilder + 'a) -> Make<'a> {
    let count = AtomicUsize::new(0);
    Box::new(move || {
        let name = format!("target-{}", count.fetch_add(1, Ordering::Relaxed));
        (Arc::new(builder(&name).build().unwrap()), root.join(name))
    })
}

fn at_daemon(site: &DaemonSite) -> Make<'_> {
    targets(site.published(), |name| site.builder(name))
}

/// Targets of a key with these options. `place` returns the path of a target for the account.
fn over_ssh<'a>(site: &'a SshSite, options: &str, place: impl Fn(&str) -> String + 'a) -> Make<'a> {
    let identity = site.server.authorize("publisher", options);
    targets(site.published(), move |name| {
        RsyncStore::builder(site.target(&place(name)))
            .identity_file(&identity)
            .host_key(&site.server.host_key())
    })
}

fn with_shell(site: &SshSite) -> Make<'_> {
    let published = site.published();
    over_ssh(site, "", move |name| published.join(name).to_str().unwrap().to_owned())
}

fn restricted(site: &SshSite) -> Make<'_> {
    let options = rsync::restricted(site.published().to_str().unwrap());
    over_ssh(site, &options, |name| format!("/{name}"))
}

/// Gives each target its own record.
fn write_only(site: &SshSite) -> Make<'_> {
    let options = rsync::restricted(&format!("-wo {}", site.published().display()));
    let identity = site.server.authorize("publisher", &options);
    targets(site.published(), move |name| {
        RsyncStore::builder(site.target(name))
            .identity_file(&identity)
            .host_key(&site.server.host_key())
            .write_only(site.work.path().join(format!("record-of-{name}")))
    })
}

/// The suites, complete or in brief.
async fn check_suites(make: &Make<'_>) {
    contract::check_store(|| make().0).await;
    if is_long() {
        contract::check_publisher(|| make().0).await;
        publish_and_look(make).await;
    } else {
        contract::check_publisher_in_brief(|| make().0).await;
    }
}

/// The complete suites, for long runs only.
async fn check_use(make: &Make<'_>) {
    if is_long() {
        check_suites(make).await;
    } else {
        publish_and_look(make).await;
    }
}

/// Does everything that a publisher does, and looks at the result as a machine does.
async fn publish_and_look(make: &Make<'_>) {
    let (store, root) = make();
    assert_eq!(store.capabilities(), Capabilities::none().with_links(true));
    let publisher = Publisher::from(store).with_legacy_links(true);
    let work = TempDir::new().unwrap();
    let context = Context::new();
    let first = site::release(work.path(), "first", 200_000).await;
    let second = site::release(work.path(), "second", 300_000).await;

    let receipt = publisher.publish(&first, &context).await.unwrap();
    assert!(!receipt.order_guarded() && !receipt.links.is_empty());
    assert_eq!(site::boot(&root), *first.id());
    let receipt = publisher.publish(&second, &context).await.unwrap();
    assert_eq!((receipt.previous, site::boot(&root)), (Some(*first.id()), *second.id()));
    let kernel = fs::canonicalize(root.join("worker/bzImage")).unwrap();
    let digest = second.manifest().images()["worker"].kernel.sha256;
    assert_eq!(kernel, fs::canonicalize(root.join(layout::blob(&digest).as_str())).unwrap());
    assert_clean(&publisher).await;
    let again = publisher.publish(&second, &context).await.unwrap();
    assert_eq!(again.staged.unwrap().sent, 0);

    publisher.rollback(RollbackTo::Previous, &context).await.unwrap();
    assert_eq!(site::boot(&root), *first.id());
    assert_damage_is_found(&publisher, &root, &layout::blob(&digest)).await;

    // The history has whole seconds.
    let publisher = later(&publisher, Duration::from_secs(2));
    let retention = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
    let report = publisher.prune(&retention, &context).await.unwrap();
    assert_eq!(report.deleted, [*second.id()].into());
    assert!(!root.join(layout::blob(&digest).as_str()).exists());
    assert_eq!(site::boot(&root), *first.id());
    assert_clean(&publisher).await;

    // The publisher does not replace the file of someone else in the pointer's place.
    fs::write(root.join("current.ipxe"), "#!ipxe\necho theirs\n").unwrap();
    let error = publisher.publish(&second, &context).await.unwrap_err();
    assert!(matches!(error, Error::ForeignFile { .. }), "{error:?}");
    let text = fs::read_to_string(root.join("current.ipxe")).unwrap();
    assert_eq!(text, "#!ipxe\necho theirs\n");
}

async fn assert_clean(publisher: &Publisher) {
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

/// Changes a byte of a blob at the target, and then deletes the blob.
async fn assert_damage_is_found(
    publisher: &Publisher,
    root: &Path,
    blob: &netboot_core::ReleasePath,
) {
    let place = root.join(blob.as_str());
    let whole = fs::read(&place).unwrap();
    let mut damaged = whole.clone();
    damaged[1000] ^= 1;
    fs::write(&place, damaged).unwrap();
    let verify = async |depth| {
        let report = publisher.verify(VerifyScope::Everything, depth, &Context::new()).await;
        report.unwrap().findings
    };
    let findings = verify(VerifyDepth::Content).await;
    assert!(!findings.is_empty(), "the damage was not found");
    fs::remove_file(&place).unwrap();
    let findings = verify(VerifyDepth::Listing).await;
    let missing = Finding::Missing { path: blob.clone() };
    assert!(findings.contains(&missing), "{findings:?}");
    fs::write(&place, whole).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_keeps_the_promises_but_order() {
    check_suites(&at_daemon(&DaemonSite::new())).await;
}

/// Over ssh, long runs check this as a part of the complete suite.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attacks_at_a_daemon_are_refused() {
    let site = DaemonSite::new();
    let make = at_daemon(&site);
    contract::check_attacks(|| make().0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ssh_keeps_the_promises_but_order() {
    check_suites(&with_shell(&SshSite::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_only_run_rrsync_keeps_the_promises_but_order() {
    check_use(&restricted(&SshSite::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_only_write_keeps_the_promises_but_order() {
    check_use(&write_only(&SshSite::new())).await;
}
