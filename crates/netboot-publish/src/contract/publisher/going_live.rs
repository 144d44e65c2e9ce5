//! Checks of activation, rollback and the links of the old layout.

use std::collections::BTreeMap;

use netboot_core::{Context, ReleaseId, ReleasePath, layout};

use crate::contract::publisher::fixture::{
    Make, assert_clean, delete, ids, path, publish, publisher, put,
};
use crate::contract::sample::{sample_release, small_release};
use crate::error::Error;
use crate::finding::Finding;
use crate::pointer::activation::ActivationKind;
use crate::publisher::rollback::RollbackTo;
use crate::receipt::Outcome;
use crate::store::Entry;

pub(crate) async fn only_whole_releases_go_live(make: Make<'_>) {
    let (store, one, two) = (make(), small_release("one"), small_release("two"));
    let publisher = publisher(&store);
    publish(&publisher, &one).await;
    let error = publisher.activate(two.id(), &Context::new()).await.unwrap_err();
    assert!(matches!(&error, Error::NotStaged { release } if release == two.id()), "{error:?}");
    publisher.stage(&two, &Context::new()).await.unwrap();
    let script = layout::in_release(two.id(), &layout::boot_script());
    delete(&store, &script).await;
    let error = publisher.activate(two.id(), &Context::new()).await.unwrap_err();
    assert!(
        matches!(&error, Error::NotWhole { findings, .. }
        if *findings == [Finding::Missing { path: script }]),
        "{error:?}"
    );
    assert!(error.hint().is_some());
    let manifest = layout::in_release(two.id(), &layout::manifest());
    put(&store, manifest.as_str(), "{").await;
    let error = publisher.activate(two.id(), &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::MalformedManifest { .. }), "{error:?}");
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));
    publish(&publisher, &two).await;
    assert_clean(&publisher).await;
}

pub(crate) async fn rollback_walks_back(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let context = Context::new();
    let error = publisher.rollback(RollbackTo::Previous, &context).await.unwrap_err();
    assert!(matches!(error, Error::NothingToRollBackTo { .. }), "{error:?}");
    let releases = ["one", "two", "three"].map(small_release);
    for release in &releases {
        publish(&publisher, release).await;
    }
    let [one, two, three] = &releases;
    for (now, before) in [(two, three), (one, two)] {
        assert_eq!(publisher.previous().await.unwrap(), Some(*now.id()));
        let receipt = publisher.rollback(RollbackTo::Previous, &context).await.unwrap();
        assert_eq!(receipt.outcome, Outcome::RolledBack);
        assert_eq!((receipt.release, receipt.previous), (*now.id(), Some(*before.id())));
        assert_eq!(publisher.live().await.unwrap(), Some(*now.id()));
    }
    assert_eq!(publisher.previous().await.unwrap(), None);
    let error = publisher.rollback(RollbackTo::Previous, &context).await.unwrap_err();
    assert!(matches!(error, Error::NothingToRollBackTo { .. }), "{error:?}");
    publisher.rollback(RollbackTo::Release(*three.id()), &context).await.unwrap();
    assert_eq!(publisher.live().await.unwrap(), Some(*three.id()));
    let again = publisher.rollback(RollbackTo::Release(*three.id()), &context).await.unwrap();
    assert_eq!(again.outcome, Outcome::Unchanged);

    let history = publisher.history().await.unwrap();
    let order: Vec<ReleaseId> = history.iter().map(|entry| entry.release).collect();
    assert_eq!(order, ids([three, one, two, three, two, one]));
    let rolled_back = |entry: &crate::HistoryEntry| entry.kind == ActivationKind::RolledBack;
    assert!(history[..3].iter().all(rolled_back) && !history[3..].iter().any(rolled_back));
    assert!(history[0].live && !history[1..].iter().any(|entry| entry.live));
    assert!(history.iter().all(|entry| entry.whole));

    delete(&store, &layout::in_release(one.id(), &layout::boot_script())).await;
    assert!(!publisher.history().await.unwrap()[1].whole);
    let error = publisher.rollback(RollbackTo::Previous, &context).await.unwrap_err();
    assert!(matches!(error, Error::NotWhole { .. }), "{error:?}");
    assert_eq!(publisher.live().await.unwrap(), Some(*three.id()));
}

pub(crate) async fn a_lost_race_is_a_conflict(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two, three] = ["one", "two", "three"].map(small_release);
    publish(&publisher, &one).await;
    // The third release goes live after the second publisher reads the pointer and before its
    // swap.
    let base = publisher.read_pointer().await.unwrap();
    publisher.stage(&two, &Context::new()).await.unwrap();
    publish(&publisher, &three).await;
    let kind = ActivationKind::Activated;
    let lost = publisher.make_live(two.id(), &base, kind, &Context::new()).await.unwrap_err();
    assert!(
        matches!(&lost, Error::Conflict { expected, found, .. }
            if *expected == Some(*one.id()) && *found == Some(*three.id())),
        "{lost:?}"
    );
    assert_eq!(publisher.live().await.unwrap(), Some(*three.id()));
    assert_clean(&publisher).await;
    publish(&publisher, &two).await;
    assert_eq!(publisher.live().await.unwrap(), Some(*two.id()));
}

pub(crate) async fn links_of_the_old_layout_follow_the_live_release(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store).with_legacy_links(true);
    let (one, two) = (sample_release("one"), small_release("two"));
    if !store.capabilities().links() {
        let error = publisher.publish(&one, &Context::new()).await.unwrap_err();
        assert!(matches!(error, Error::LinksUnsupported { .. }), "{error:?}");
        assert_eq!(publisher.live().await.unwrap(), None);
        return;
    }
    for release in [&one, &two, &one] {
        let receipt = publisher.publish(release, &Context::new()).await.unwrap();
        assert!(!receipt.links.is_empty());
        assert_clean(&publisher).await;
        let mut links = BTreeMap::new();
        for (profile, image) in release.manifest().images() {
            let (kernel, initrd) = (image.kernel.sha256, image.initrds[0].sha256);
            for (name, blob) in [("bzImage", kernel), ("Image", kernel), ("initrd", initrd)] {
                let link = |target| Entry::Link { target };
                let (below, beside) = (format!("{profile}/{name}"), format!("{name}-{profile}"));
                links.insert(path(&below), link(format!("../blobs/{blob}")));
                links.insert(path(&beside), link(format!("blobs/{blob}")));
            }
        }
        let places: Vec<ReleasePath> = ["bzImage", "Image", "initrd"]
            .into_iter()
            .flat_map(|name| {
                ["worker", "control-plane"].into_iter().flat_map(move |profile| {
                    [format!("{profile}/{name}"), format!("{name}-{profile}")]
                })
            })
            .map(|place| path(&place))
            .collect();
        // A profile that the live release lacks has lost its links.
        assert_eq!(store.stat(&places).await.unwrap(), links);
        let again = publisher.publish(release, &Context::new()).await.unwrap();
        assert!(again.links.is_empty() && again.outcome == Outcome::Unchanged);
    }
    delete(&store, &path("bzImage-worker")).await;
    put(&store, "bzImage-worker", "a kernel of the old script").await;
    let error = publisher.publish(&two, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::ForeignFile { .. }), "{error:?}");
    publish(&publisher.with_replace_foreign(true), &two).await;
}
