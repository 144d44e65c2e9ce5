//! Checks that no pointer loses its signature or its best-before date unless the caller says so.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use netboot_core::{Context, Release};

use crate::clock::ClockAhead;
use crate::contract::publisher::fixture::{Make, path, publish, publisher as new_publisher};
use crate::contract::sample::{release_of, sample_image};
use crate::contract::sample_signer::SampleSigner;
use crate::error::Error;
use crate::pointer::loss::PointerLoss;
use crate::pointer::stamp::Stamp;
use crate::pointer::{Pointer, PointerContent};
use crate::publisher::Publisher;
use crate::publisher::rollback::RollbackTo;
use crate::signature::Signer;
use crate::store::{Store, Swap};

const HOUR: Duration = Duration::from_secs(3600);

fn release(generation: &str) -> Release {
    release_of([sample_image("worker", generation)])
}

async fn read(store: &Arc<dyn Store>) -> Pointer {
    let there = store.read(&path("current.ipxe")).await.unwrap().unwrap();
    let PointerContent::Pointer(pointer) = Pointer::parse(&there.bytes) else {
        panic!("{there:?}")
    };
    pointer
}

/// Asserts that everything which would write a pointer is refused before anything changes.
async fn refused(publisher: &Publisher, older: &Release, expected: PointerLoss) {
    let (context, store, new) = (Context::new(), publisher.store(), release("new"));
    let (before, releases) = (read(store).await, publisher.releases().await.unwrap());
    let live = before.live().unwrap();
    for error in [
        publisher.publish(&new, &context).await.unwrap_err(),
        publisher.publish_over(Some(live), &new, &context).await.unwrap_err(),
        publisher.rehearse(&new, &context).await.unwrap_err(),
        publisher.activate(older.id(), &context).await.unwrap_err(),
        publisher.rollback(RollbackTo::Previous, &context).await.unwrap_err(),
        publisher.refresh(&context).await.unwrap_err(),
    ] {
        let Error::LessProtection { loss, .. } = error else { panic!("{error:?}") };
        assert_eq!(loss, expected);
    }
    assert_eq!(publisher.releases().await.unwrap(), releases);
    assert_eq!(read(store).await, before);
}

pub(crate) async fn a_pointer_keeps_its_signature_and_its_date(make: Make<'_>) {
    let (store, context, key) = (make(), Context::new(), SampleSigner::new(1));
    let [one, two] = ["one", "two"].map(release);
    let keyless = new_publisher(&store);
    let undated =
        keyless.clone().with_trusted_keys(key.public_key().clone()).with_signer(key.clone());
    let dated = undated.clone().with_pointer_lifetime(HOUR);
    publish(&dated, &one).await;
    publish(&dated, &two).await;
    refused(&keyless, &one, PointerLoss::Signature).await;
    refused(&undated, &one, PointerLoss::BestBefore).await;
    // A call that does not replace the pointer needs no permission.
    let before = read(&store).await;
    publish(&keyless, &two).await;
    publish(&undated, &two).await;
    assert_eq!(read(&store).await, before);
    // A date that has passed is not taken away either.
    let late = undated.clone().with_clock(ClockAhead(2 * HOUR));
    let error = late.publish(&two, &context).await.unwrap_err();
    assert!(
        matches!(error, Error::LessProtection { loss: PointerLoss::BestBefore, .. }),
        "{error:?}"
    );

    // A repair of the script keeps the date.
    let mut wrong = read(&store).await;
    wrong.script = Bytes::from([&wrong.script[..], b"echo wrong\n"].concat());
    let stamp = wrong.stamp.clone().unwrap();
    let stamp = Stamp { counter: stamp.counter + 1, ..stamp };
    dated.signing.seal(&mut wrong, stamp).await.unwrap();
    let there = store.read(&path("current.ipxe")).await.unwrap().unwrap().version;
    let swap = store.swap(&path("current.ipxe"), Some(&there), wrong.to_bytes()).await.unwrap();
    assert_eq!(swap, Swap::Done);
    let report = keyless.repair(two.id(), &[], &context).await.unwrap();
    assert_eq!(report.remaining.len(), 1, "{report}");
    assert_eq!(read(&store).await, wrong);
    undated.repair(two.id(), &[], &context).await.unwrap();
    let mended = read(&store).await;
    assert_eq!((&mended.script, mended.best_before()), (&before.script, before.best_before()));

    // Whoever says so takes the date or the signature away.
    undated.without_pointer_lifetime().activate(one.id(), &context).await.unwrap();
    assert_eq!(read(&store).await.best_before(), None);
    keyless.with_unsigned_pointers(true).activate(two.id(), &context).await.unwrap();
    assert!(read(&store).await.signatures.is_empty());
}
