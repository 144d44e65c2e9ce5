//! Publishing one release to three sites, one of which is slow, full or unreliable.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use netboot_core::{CancellationToken, Context, Event, Release, ReleaseId, layout};
use netboot_publish::contract::sample_release;
use netboot_publish::{
    ActivationPolicy, Error, Publisher, Sites, SitesBuilder, SitesReport, Store, VerifyDepth,
    VerifyScope,
};

use crate::faulty::{Faults, Faulty};
use crate::patience::{PATIENCE, soon};
use crate::site_outcomes::outcomes;

const NAMES: [&str; 3] = ["nagoya", "osaka", "tokyo"];

/// Makes three sites. Osaka has the `faults`.
fn stores(faults: Faults) -> [Faulty; 3] {
    let sound = || Faulty::new(Faults::default());
    [sound(), Faulty::new(faults), sound()]
}

fn sites(stores: &[Faulty; 3], policy: ActivationPolicy) -> SitesBuilder {
    let named = NAMES.iter().zip(stores);
    let builder = named.fold(Sites::builder(), |builder, (name, store)| {
        builder.site(*name, Publisher::new(store.clone()))
    });
    builder.policy(policy)
}

async fn publish(sites: SitesBuilder, release: &Release) -> SitesReport {
    sites.build().unwrap().publish(release, &Context::new()).await
}

async fn live(stores: &[Faulty; 3]) -> Vec<Option<ReleaseId>> {
    let mut live = Vec::new();
    for store in stores {
        live.push(Publisher::new(store.clone()).live().await.unwrap());
    }
    live
}

#[tokio::test]
async fn each_site_has_its_own_result() {
    let faults = Faults::default();
    let stores = stores(faults.clone());
    let [one, two] = ["one", "two"].map(sample_release);
    let by_itself = || sites(&stores, ActivationPolicy::EachByItself);
    let report = publish(by_itself(), &one).await.ensure_live_everywhere().unwrap();
    assert_eq!(outcomes(&report), ["live"; 3]);

    faults.send_fails.store(true, Ordering::SeqCst);
    let report = publish(by_itself(), &two).await;
    assert_eq!(outcomes(&report), ["live", "failed", "live"], "{report}");
    assert_eq!(live(&stores).await, [Some(*two.id()), Some(*one.id()), Some(*two.id())]);
    let text = report.to_string();
    assert!(text.contains("is live at 2 of 3 targets"), "{text}");
    let cause = std::io::Error::from(std::io::ErrorKind::StorageFull).to_string();
    let failed = text.lines().find(|line| line.starts_with("osaka: failed: there is no space"));
    assert!(failed.is_some_and(|line| line.ends_with(&cause)), "{text}");
    let error = report.ensure_live_everywhere().unwrap_err();
    assert!(error.hint().unwrap().starts_with("osaka: free space"), "{error}");

    faults.send_fails.store(false, Ordering::SeqCst);
    let report = publish(by_itself(), &two).await;
    assert_eq!(outcomes(&report), ["live"; 3]);
    for store in stores {
        let publisher = Publisher::new(store);
        let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
        let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
        assert!(report.is_clean(), "{report}");
    }
}

#[tokio::test]
async fn a_slow_site_holds_nobody_up_and_has_its_time() {
    let go = CancellationToken::new();
    let stores = stores(Faults { send_after: Some(go.clone()), ..Faults::default() });
    let one = sample_release("one");
    let publishing = {
        let sites = sites(&stores, ActivationPolicy::EachByItself);
        let one = one.clone();
        tokio::spawn(async move { publish(sites, &one).await })
    };
    for quick in [0, 2] {
        let quick = Publisher::new(stores[quick].clone());
        while quick.live().await.unwrap() != Some(*one.id()) {
            assert!(!publishing.is_finished());
            tokio::task::yield_now().await;
        }
    }
    assert!(!publishing.is_finished(), "osaka did not wait");
    go.cancel();
    assert_eq!(outcomes(&soon(publishing).await.unwrap()), ["live"; 3]);

    let waiting = Faults { send_after: Some(CancellationToken::new()), ..Faults::default() };
    let osaka = Publisher::new(Faulty::new(waiting.clone()));
    let alone = || Sites::builder().site("osaka", osaka.clone());
    let report = publish(alone().timeout(Duration::from_millis(50)), &one).await;
    assert_eq!(outcomes(&report), ["failed"]);
    let error = report.errors().next().unwrap().1;
    assert!(matches!(error, Error::TimedOut { after } if after.as_millis() == 50), "{error:?}");
    assert!(error.hint().unwrap().contains("allow more time"));
    // The hint: the target can be reached again, and there is more time.
    waiting.send_after.unwrap().cancel();
    let report = publish(alone().timeout(PATIENCE), &one).await;
    assert_eq!(outcomes(&report), ["live"]);
}

#[tokio::test]
async fn no_more_sites_than_allowed_are_worked_on() {
    for (allowed, most) in [(1, 1), (2, 2), (8, 6)] {
        let shared = Faults { send_with: most, ..Faults::default() };
        let sites = (0..6).fold(Sites::builder(), |builder, n| {
            let store = Faulty::new(shared.clone());
            builder.site(format!("site-{n}"), Publisher::new(store))
        });
        let report = publish(sites.concurrency(allowed), &sample_release("one")).await;
        assert_eq!(report.live().count(), 6);
        assert_eq!(shared.sending.1.load(Ordering::SeqCst), most, "{allowed} are allowed");
    }
}

#[tokio::test]
async fn where_all_are_to_go_live_none_does_unless_all_are_staged() {
    let faults = Faults::default();
    let stores = stores(faults.clone());
    let all_or_none = || sites(&stores, ActivationPolicy::AllOrNone);
    let [one, two] = ["one", "two"].map(sample_release);
    assert_eq!(outcomes(&publish(all_or_none(), &one).await), ["live"; 3]);
    faults.send_fails.store(true, Ordering::SeqCst);
    let report = publish(all_or_none(), &two).await;
    assert_eq!(outcomes(&report), ["staged", "failed", "staged"], "{report}");
    assert_eq!(live(&stores).await, [Some(*one.id()); 3]);
    faults.send_fails.store(false, Ordering::SeqCst);
    assert_eq!(outcomes(&publish(all_or_none(), &two).await), ["live"; 3]);
    assert_eq!(outcomes(&publish(all_or_none(), &two).await), ["live"; 3], "and again");
}

#[tokio::test]
async fn where_one_cannot_go_live_the_others_are_rolled_back() {
    for late in [false, true] {
        let faults = Faults::default();
        let stores = stores(faults.clone());
        let all_or_none = || sites(&stores, ActivationPolicy::AllOrNone);
        let [one, two] = ["one", "two"].map(sample_release);
        let fail = || {
            faults.swap_fails.store(!late, Ordering::SeqCst);
            // The store replaces the pointer, but its answer is lost.
            faults.swap_fails_late.store(late, Ordering::SeqCst);
        };
        // A release that was not live at any site is not live at any site again.
        fail();
        let report = publish(all_or_none(), &one).await;
        assert_eq!(outcomes(&report), ["rolled back", "failed", "rolled back"], "{report}");
        assert_eq!(live(&stores).await, [None; 3]);
        faults.swap_fails.store(false, Ordering::SeqCst);
        assert_eq!(outcomes(&publish(all_or_none(), &one).await), ["live"; 3]);

        fail();
        let report = publish(all_or_none(), &two).await;
        assert_eq!(outcomes(&report), ["rolled back", "failed", "rolled back"], "{report}");
        assert_eq!(live(&stores).await, [Some(*one.id()); 3]);
        faults.swap_fails.store(false, Ordering::SeqCst);
        assert_eq!(outcomes(&publish(all_or_none(), &two).await), ["live"; 3]);
    }
}

#[tokio::test]
async fn what_cannot_be_rolled_back_is_told() {
    let (broken, stuck) = (Faults::default(), Faults::default());
    let stores =
        [Faulty::new(stuck.clone()), Faulty::new(broken.clone()), Faulty::new(Faults::default())];
    let all_or_none = || sites(&stores, ActivationPolicy::AllOrNone);
    let [one, two] = ["one", "two"].map(sample_release);
    publish(all_or_none(), &one).await.ensure_live_everywhere().unwrap();
    broken.swap_fails.store(true, Ordering::SeqCst);
    // One more swap succeeds and then no more, so the swap of the rollback fails.
    stuck.swaps.store(1, Ordering::SeqCst);
    stuck.swap_fails.store(true, Ordering::SeqCst);
    let report = publish(all_or_none(), &two).await;
    assert_eq!(outcomes(&report), ["not rolled back", "failed", "rolled back"], "{report}");
    assert_eq!(live(&stores).await, [Some(*two.id()), Some(*one.id()), Some(*one.id())]);
    assert_eq!(report.errors().count(), 2);
    assert!(report.to_string().contains("nagoya: could not be rolled back"), "{report}");
    let hint = report.ensure_live_everywhere().unwrap_err().hint().unwrap();
    assert!(hint.starts_with("nagoya: the release may be live at this target only"), "{hint}");
}

#[tokio::test]
async fn cancelling_leaves_what_was_live() {
    let one = sample_release("one");
    let two = sample_release("two");
    let token = CancellationToken::new();
    // Cancel while Osaka swaps slowly.
    let faults = Faults { on_swap: Some(token.clone()), ..Faults::default() };
    let stores = stores(Faults::default());
    publish(sites(&stores, ActivationPolicy::AllOrNone), &one).await;
    let mut cancelling = stores.clone();
    cancelling[1].faults = faults;
    let all = sites(&cancelling, ActivationPolicy::AllOrNone).concurrency(1).build().unwrap();
    let context = Context::new().with_cancellation(token.clone());
    let report = all.publish(&two, &context).await;
    assert_eq!(outcomes(&report), ["rolled back", "rolled back", "failed"], "{report}");
    assert!(matches!(report.errors().next().unwrap().1, Error::Cancelled));
    assert_eq!(live(&stores).await, [Some(*one.id()); 3]);

    // Cancel before anything starts.
    let report = all.publish(&two, &context).await;
    assert_eq!(live(&stores).await, [Some(*one.id()); 3]);
    assert_eq!(report.live().count(), 0);
}

#[tokio::test]
async fn another_release_that_went_live_at_one_site_is_a_conflict_there() {
    let [one, two, three] = ["one", "two", "three"].map(sample_release);
    let mut stores = stores(Faults::default());
    publish(sites(&stores, ActivationPolicy::AllOrNone), &one).await;
    let swapping = CancellationToken::new();
    let (on_swap, go) = (Some(swapping.clone()), CancellationToken::new());
    let swap_after = Some(go.clone());
    stores[1].faults = Faults { swap_after, on_swap, ..Faults::default() };
    let osaka = Publisher::new(stores[1].inner.clone());
    osaka.stage(&three, &Context::new()).await.unwrap();
    let all = sites(&stores, ActivationPolicy::AllOrNone).build().unwrap();
    let publishing = tokio::spawn(async move { all.publish(&two, &Context::new()).await });
    swapping.cancelled().await;
    let pointer = layout::pointer(osaka.pointer());
    let before = stores[1].inner.read(&pointer).await.unwrap().unwrap();
    // Another publisher may not know this publisher's lock.
    let text = String::from_utf8(before.bytes.to_vec()).unwrap();
    let text = text.replace(&one.id().to_string(), &three.id().to_string());
    stores[1].inner.swap(&pointer, Some(&before.version), text.into()).await.unwrap();
    go.cancel();
    let report = publishing.await.unwrap();
    assert_eq!(outcomes(&report), ["rolled back", "failed", "rolled back"], "{report}");
    let error = report.errors().next().unwrap().1;
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    assert_eq!(live(&stores).await, [Some(*one.id()), Some(*three.id()), Some(*one.id())]);
}

#[tokio::test]
async fn events_tell_where_they_happened() {
    let stores = stores(Faults::default());
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let context = {
        let events = events.clone();
        Context::new().with_events(move |event| events.lock().unwrap().push(event))
    };
    let sites = sites(&stores, ActivationPolicy::EachByItself).build().unwrap();
    sites.publish(&sample_release("one"), &context).await;
    let events = events.lock().unwrap();
    for name in NAMES {
        let at_site = |event: &&Event| match event {
            Event::AtSite { site, event } => {
                site.as_str() == name && matches!(**event, Event::Progress { .. })
            }
            _ => false,
        };
        assert!(events.iter().find(at_site).is_some(), "nothing happened at {name}");
    }
    assert!(events.iter().all(|event| matches!(event, Event::AtSite { .. })));
}

#[test]
fn sites_have_names_of_their_own() {
    let publisher = || Publisher::new(Faulty::new(Faults::default()));
    let twice = Sites::builder().site("tokyo", publisher()).site("tokyo", publisher()).build();
    assert!(matches!(twice, Err(Error::DuplicateSite { .. })), "{twice:?}");
    assert!(matches!(Sites::builder().build(), Err(Error::NoSites)));
}
