//! A publisher that loses its lock, as it can lose a lease, stops before work that needs the lock.

use std::time::Duration;

use netboot_core::{Context, layout};
use netboot_publish::contract::{later, sample_release};
use netboot_publish::{Error, Publisher, Retention, Store};

use crate::faulty::{Faults, Faulty};

/// A store, and a publisher's view of it that loses the lock as `faults` say.
fn seen_by_two(faults: Faults) -> (Publisher, Publisher, Faulty) {
    let sound = Faulty::new(Faults::default());
    let losing = Faulty { inner: sound.inner.clone(), faults };
    (Publisher::new(sound), Publisher::new(losing.clone()), losing)
}

#[tokio::test]
async fn nothing_goes_live_and_nothing_is_staged_without_the_lock() {
    let faults = Faults::default();
    faults.lock_lost.cancel();
    let (sound, losing, _) = seen_by_two(faults);
    let [one, other] = ["one", "other"].map(sample_release);
    let context = Context::new();
    sound.publish(&one, &context).await.unwrap();

    let error = losing.stage(&other, &context).await.unwrap_err();
    assert!(matches!(error, Error::LockLost) && error.hint().is_some(), "{error:?}");
    sound.stage(&other, &context).await.unwrap();
    let error = losing.activate(other.id(), &context).await.unwrap_err();
    assert!(matches!(error, Error::LockLost), "{error:?}");
    assert_eq!(sound.live().await.unwrap(), Some(*one.id()));
}

#[tokio::test]
async fn pruning_stops_when_the_lock_is_lost() {
    let [one, two, three] = ["one", "two", "three"].map(sample_release);
    let deleted = one.id().min(two.id());
    let manifest = layout::in_release(deleted, &layout::manifest());
    let faults = Faults { loses_lock_deleting: Some(manifest), ..Faults::default() };
    let (sound, losing, store) = seen_by_two(faults);
    let context = Context::new();
    for release in [&one, &two, &three] {
        sound.publish(release, &context).await.unwrap();
    }
    // The history has times in whole seconds.
    let losing = later(&losing, Duration::from_secs(2));
    let sound = later(&sound, Duration::from_secs(2));
    let retention = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
    let error = losing.prune(&retention, &context).await.unwrap_err();
    assert!(matches!(error, Error::LockLost), "{error:?}");
    // It deletes the manifests of both, and then their files.
    let later = layout::in_release(one.id().max(two.id()), &layout::boot_script());
    assert!(store.read(&later).await.unwrap().is_some(), "it went on without the lock");

    sound.prune(&retention, &context).await.unwrap();
    assert!(store.read(&later).await.unwrap().is_none());
}
