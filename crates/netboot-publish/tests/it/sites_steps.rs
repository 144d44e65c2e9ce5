//! Staging at all sites and activation at all sites, as two steps.

use std::sync::atomic::Ordering;

use netboot_core::{CancellationToken, Context, ReleaseId};
use netboot_publish::contract::sample_release;
use netboot_publish::{
    ActivationKind, ActivationPolicy, Error, LocalStore, Publisher, RollbackTo, Sites,
};
use tempfile::TempDir;

use crate::faulty::{Faults, Faulty};
use crate::site_outcomes::outcomes;

/// Makes Osaka, which has faults, and Tokyo, which has none.
struct Two {
    faults: Faults,
    stores: [Faulty; 2],
    sites: Sites,
}

impl Two {
    fn new(policy: ActivationPolicy) -> Self {
        let faults = Faults::default();
        let stores = [Faulty::new(faults.clone()), Faulty::new(Faults::default())];
        let [osaka, tokyo] = stores.clone().map(Publisher::new);
        let sites = Sites::builder().site("osaka", osaka).site("tokyo", tokyo).policy(policy);
        Self { faults, stores, sites: sites.build().unwrap() }
    }

    async fn live(&self) -> [Option<ReleaseId>; 2] {
        let [osaka, tokyo] = self.stores.clone().map(Publisher::new);
        [osaka.live().await.unwrap(), tokyo.live().await.unwrap()]
    }
}

#[tokio::test]
async fn what_is_staged_everywhere_goes_live_everywhere_and_back() {
    for policy in [ActivationPolicy::AllOrNone, ActivationPolicy::EachByItself] {
        let (two, context) = (Two::new(policy), Context::new());
        let [one, other] = ["one", "other"].map(sample_release);
        for release in [&one, &other] {
            let before = two.live().await;
            let staged = two.sites.stage(release, &context).await;
            assert_eq!(outcomes(&staged), ["staged"; 2], "{staged}");
            let text = staged.to_string();
            assert!(text.contains("is staged at 2 of 2 targets\nosaka: staged; sent "), "{text}");
            staged.ensure_staged_everywhere().unwrap();
            assert_eq!(two.live().await, before);
            let live = two.sites.activate(release.id(), &context).await;
            let live = live.ensure_live_everywhere().unwrap().to_string();
            assert!(live.contains("is live at 2 of 2 targets"), "{live}");
            assert_eq!(two.live().await, [Some(*release.id()); 2]);
        }
        for to in [RollbackTo::Previous, RollbackTo::Release(*one.id())] {
            let report = two.sites.rollback(to, &context).await.unwrap();
            assert_eq!(report.release, *one.id());
            report.ensure_live_everywhere().unwrap();
            assert_eq!(two.live().await, [Some(*one.id()); 2]);
        }
        let history = Publisher::new(two.stores[1].clone()).history().await.unwrap();
        assert_eq!(history[0].kind, ActivationKind::RolledBack);
        // A release that is live everywhere stays live, without an error.
        two.sites.activate(one.id(), &context).await.ensure_live_everywhere().unwrap();
    }
}

#[tokio::test]
async fn the_release_before_is_one_that_every_site_had() {
    let (two, context) = (Two::new(ActivationPolicy::AllOrNone), Context::new());
    let [one, other, last] = ["one", "other", "last"].map(sample_release);
    let [osaka, tokyo] = two.stores.clone().map(Publisher::new);
    osaka.publish(&one, &context).await.unwrap();
    tokyo.publish(&other, &context).await.unwrap();
    two.sites.publish(&last, &context).await.ensure_live_everywhere().unwrap();
    let error = two.sites.rollback(RollbackTo::Previous, &context).await.unwrap_err();
    let Error::DifferentEarlierReleases { earlier } = &error else { panic!("{error:?}") };
    let all: Vec<_> = earlier.values().copied().collect();
    assert_eq!(all, [Some(*one.id()), Some(*other.id())]);
    let text = error.to_string();
    let each = format!("osaka: {}, tokyo: {}", one.id().short(), other.id().short());
    assert!(text.ends_with(&each), "{text}");
    assert_eq!(two.live().await, [Some(*last.id()); 2]);
    assert!(error.hint().unwrap().starts_with("name a release that is still at the target"));
    osaka.stage(&other, &context).await.unwrap();
    let to = RollbackTo::Release(*other.id());
    two.sites.rollback(to, &context).await.unwrap().ensure_live_everywhere().unwrap();
    // A site that cannot be read does not decide, and fails in the report.
    tokyo.publish(&last, &context).await.unwrap();
    let directory = TempDir::new().unwrap();
    let gone = || Publisher::new(LocalStore::new(directory.path().join("gone/pxe")));
    let sites = Sites::builder().site("gone", gone()).site("tokyo", tokyo).build().unwrap();
    let report = sites.rollback(RollbackTo::Previous, &context).await.unwrap();
    assert_eq!((report.release, outcomes(&report)), (*other.id(), vec!["failed", "live"]));
    assert!(report.to_string().contains("is live at 1 of 2 targets"), "{report}");
    // If none can be read, there is no report.
    let sites = Sites::builder().site("gone", gone()).build().unwrap();
    let error = sites.rollback(RollbackTo::Previous, &context).await.unwrap_err();
    assert!(matches!(error, Error::NoSuchDirectory { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_staged_at_one_site_only_goes_live_by_the_policy() {
    let context = Context::new();
    let release = sample_release("one");
    for policy in [ActivationPolicy::AllOrNone, ActivationPolicy::EachByItself] {
        let two = Two::new(policy);
        two.faults.send_fails.store(true, Ordering::SeqCst);
        let staged = two.sites.stage(&release, &context).await;
        assert_eq!(outcomes(&staged), ["failed", "staged"], "{staged}");
        let error = staged.ensure_staged_everywhere().unwrap_err();
        assert!(matches!(error, Error::NotStagedEverywhere(_)), "{error}");
        assert!(error.to_string().contains("osaka: failed: "), "{error}");
        let report = two.sites.activate(release.id(), &context).await;
        let (expected, live) = match policy {
            ActivationPolicy::AllOrNone => (["failed", "staged"], None),
            _ => (["failed", "live"], Some(*release.id())),
        };
        assert_eq!(outcomes(&report), expected, "{report}");
        assert_eq!(two.live().await, [None, live]);
    }
}

#[tokio::test]
async fn where_one_site_cannot_go_live_the_other_goes_back() {
    let (two, context) = (Two::new(ActivationPolicy::AllOrNone), Context::new());
    let [one, other] = ["one", "other"].map(sample_release);
    two.sites.publish(&one, &context).await.ensure_live_everywhere().unwrap();
    two.sites.stage(&other, &context).await.ensure_staged_everywhere().unwrap();
    for late in [false, true] {
        two.faults.swap_fails.store(!late, Ordering::SeqCst);
        two.faults.swap_fails_late.store(late, Ordering::SeqCst);
        let report = two.sites.activate(other.id(), &context).await;
        assert_eq!(outcomes(&report), ["failed", "rolled back"], "{report}");
        assert_eq!(two.live().await, [Some(*one.id()); 2]);
    }
}

#[tokio::test]
async fn cancelled_before_it_begins_it_changes_nothing() {
    let two = Two::new(ActivationPolicy::AllOrNone);
    let release = sample_release("one");
    two.sites.stage(&release, &Context::new()).await.ensure_staged_everywhere().unwrap();
    let token = CancellationToken::new();
    token.cancel();
    let cancelled = Context::new().with_cancellation(token);
    let report = two.sites.activate(release.id(), &cancelled).await;
    assert_eq!(report.live().count(), 0, "{report}");
    assert!(report.ensure_live_everywhere().is_err());
    assert_eq!(two.live().await, [None; 2]);
}
