//! Publishing what is live already takes one look at the target, and still finds what is missing.

use std::sync::atomic::Ordering;

use netboot_core::{Context, ReleasePath};
use netboot_publish::contract::sample_release;
use netboot_publish::{Outcome, Publisher, Store};

use crate::faulty::{Faults, Faulty};

#[tokio::test]
async fn a_live_release_is_looked_at_once() {
    let store = Faulty::new(Faults::default());
    let asked = store.faults.asked.clone();
    let (publisher, context) = (Publisher::new(store), Context::new());
    let release = sample_release("one");
    let first = publisher.publish(&release, &context).await.unwrap();
    assert_eq!(first.outcome, Outcome::Activated);

    asked.store(0, Ordering::SeqCst);
    let again = publisher.publish(&release, &context).await.unwrap();
    // What the pointer is and what it says, the manifest, and the sizes of all.
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert_eq!((again.outcome, again.previous), (Outcome::Unchanged, Some(*release.id())));
    let (staged, first) = (again.staged.unwrap(), first.staged.unwrap());
    assert_eq!((staged.sent, staged.present), (0, first.sent));
    assert_eq!((staged.sent_bytes, staged.present_bytes), (0, first.sent_bytes));
}

#[tokio::test]
async fn what_a_live_release_lacks_is_sent_whatever_it_is() {
    let store = Faulty::new(Faults::default());
    let memory = store.inner.clone();
    let (publisher, context) = (Publisher::new(store), Context::new());
    let release = sample_release("one");
    publisher.publish(&release, &context).await.unwrap();
    let manifest = release.manifest();
    let places = manifest.objects().into_keys().chain(manifest.entry_points().keys().cloned());
    let places: Vec<ReleasePath> = places.collect();
    assert!(places.len() > 5, "{places:?}");
    for place in places {
        let path = std::slice::from_ref(&place);
        memory.delete(path, &context).await.unwrap();
        let receipt = publisher.publish(&release, &context).await.unwrap();
        assert_eq!(memory.stat(path).await.unwrap().len(), 1, "{place} is missing");
        let staged = receipt.staged.unwrap();
        assert_eq!(staged.sent + receipt.entry_points.len(), 1, "{place}");
    }
    assert_eq!(publisher.live().await.unwrap(), Some(*release.id()));
}
