//! Checks of pruning.

use std::collections::BTreeSet;
use std::time::Duration;

use netboot_core::{Context, Sha256Digest, layout};

use crate::clock::ClockAhead;
use crate::contract::later::later;
use crate::contract::publisher::fixture::{
    Make, assert_clean, delete, ids, path, publish, publisher, put, text,
};
use crate::contract::sample::small_release;
use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::prune::retention::Retention;
use crate::publisher::rollback::RollbackTo;
use crate::publisher::verify::VerifyScope;

fn without_grace() -> Retention {
    Retention::default().with_grace(Duration::ZERO)
}

/// Waits until the store's clock moves on, so that objects are older than a grace time of zero.
async fn age() {
    tokio::time::sleep(Duration::from_millis(30)).await;
}

pub(crate) async fn pruning_keeps_what_is_wanted(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let releases = ["one", "two", "three"].map(small_release);
    for release in &releases {
        publish(&publisher, release).await;
    }
    let [one, two, three] = &releases;
    let strange = layout::in_release(one.id(), &path("notes.txt"));
    put(&store, strange.as_str(), "from somebody else").await;
    put(&store, "blobs/readme", "from somebody else").await;
    put(&store, "menu.ipxe", "#!ipxe\necho somebody else's\n").await;
    // The history counts whole seconds.
    let publisher = later(&publisher, Duration::from_secs(2));

    let day = Retention::default().with_keep_last(1);
    let report = publisher.prune(&day, &Context::new()).await.unwrap();
    assert!(report.deleted.is_empty() && report.deleted_blobs.is_empty(), "{report}");

    let retention = without_grace().with_keep_last(2);
    let dry =
        publisher.prune(&retention.clone().with_dry_run(true), &Context::new()).await.unwrap();
    assert_eq!(dry.deleted, [*one.id()].into());
    assert_eq!(publisher.releases().await.unwrap().len(), 3, "nothing was deleted");
    let report = publisher.prune(&retention, &Context::new()).await.unwrap();
    assert_eq!(report.kept, ids([two, three]).into_iter().collect());
    assert_eq!((&report.deleted, &report.deleted_blobs), (&dry.deleted, &dry.deleted_blobs));
    assert_eq!(report.freed_bytes, dry.freed_bytes);
    // Pruning deleted the two initrds, the index and a store path. All releases share the kernel,
    // the other store path and the entry points.
    assert_eq!(report.deleted_blobs.len(), 4);
    assert_eq!(publisher.releases().await.unwrap(), ids([two, three]).into_iter().collect());
    for kept in [strange.as_str(), "blobs/readme", "menu.ipxe"] {
        assert!(text(&store, &path(kept)).await.is_some(), "{kept} was deleted");
    }
    let mine = one.manifest().objects().into_keys().collect::<Vec<_>>();
    let shared = BTreeSet::from(
        [b"the kernel\n".as_slice(), b"the C library\n"]
            .map(|bytes| layout::blob(&Sha256Digest::of(bytes))),
    );
    let there: BTreeSet<_> = store.stat(&mine).await.unwrap().into_keys().collect();
    assert_eq!(there, shared);

    let error = publisher.rollback(RollbackTo::Release(*one.id()), &Context::new()).await;
    assert!(matches!(error, Err(Error::NotStaged { .. })), "{error:?}");
    let again = publisher.prune(&retention, &Context::new()).await.unwrap();
    assert!(again.deleted.is_empty() && again.deleted_blobs.is_empty(), "{again}");
    delete(&store, &strange).await;
    delete(&store, &path("blobs/readme")).await;
    assert_clean(&publisher).await;
}

pub(crate) async fn pruning_spares_other_pointers_and_young_releases(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let canary = publisher.clone().with_pointer("canary").unwrap();
    let [one, two, three] = ["one", "two", "three"].map(small_release);
    publish(&canary, &one).await;
    publish(&publisher, &two).await;
    assert_eq!(canary.live().await.unwrap(), Some(*one.id()));
    assert_eq!(publisher.live().await.unwrap(), Some(*two.id()));
    age().await;
    publisher.stage(&three, &Context::new()).await.unwrap();

    // Ages are counted by the target's clock: a publisher whose clock is wrong deletes nothing.
    let retention = without_grace().with_keep_last(0).with_grace(Duration::from_secs(3600));
    let wrong = publisher.clone().with_clock(ClockAhead(Duration::from_secs(3 * 24 * 3600)));
    let report = wrong.prune(&retention, &Context::new()).await.unwrap();
    assert_eq!(report.kept, ids([&one, &two, &three]).into_iter().collect());
    let clock = store.stat(&[layout::clock()]).await.unwrap();
    assert!(clock.is_empty(), "pruning deletes the file that told it the time");
    age().await;
    let report =
        publisher.prune(&without_grace().with_keep_last(0), &Context::new()).await.unwrap();
    assert_eq!(report.kept, ids([&one, &two]).into_iter().collect());
    assert_eq!(report.deleted, [*three.id()].into());
    assert_clean(&publisher).await;
    assert_clean(&canary).await;
}

pub(crate) async fn a_broken_off_pruning_is_completed(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two] = ["one", "two"].map(small_release);
    publish(&publisher, &two).await;
    publisher.stage(&one, &Context::new()).await.unwrap();
    // Leave the target as a killed pruning or staging would.
    let manifest = layout::in_release(one.id(), &layout::manifest());
    let json = store.read(&manifest).await.unwrap().unwrap().bytes;
    let incomplete = layout::in_release(one.id(), &path("incomplete.json"));
    store.swap(&incomplete, None, json).await.unwrap();
    delete(&store, &manifest).await;
    delete(&store, &layout::in_release(one.id(), &layout::boot_script())).await;
    let scope = VerifyScope::Everything;
    let report = publisher.verify(scope, VerifyDepth::Listing, &Context::new()).await.unwrap();
    assert_eq!(report.findings, [Finding::Incomplete { release: *one.id() }]);
    let error = publisher.activate(one.id(), &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::NotStaged { .. }), "{error:?}");

    let young = publisher.prune(&Retention::default(), &Context::new()).await.unwrap();
    assert!(young.kept.contains(one.id()), "it may be on its way still");
    age().await;
    let report = publisher.prune(&without_grace(), &Context::new()).await.unwrap();
    assert_eq!(report.deleted, [*one.id()].into());
    assert_clean(&publisher).await;
    publish(&publisher, &one).await;
    assert_clean(&publisher).await;
}
