//! Checks of several trusted keys.

use std::sync::Arc;

use netboot_core::{Context, Release, layout};

use crate::contract::publisher::fixture::{Make, assert_clean, publish, publisher, text};
use crate::contract::sample::{release_of, sample_image};
use crate::contract::sample_signer::SampleSigner;
use crate::error::Error;
use crate::publisher::Publisher;
use crate::publisher::rollback::RollbackTo;
use crate::signature::Signer;
use crate::signature::problem::SignatureProblem;
use crate::signature::trusted_keys::TrustedKeys;
use crate::store::Store;

fn release(generation: &str) -> Release {
    release_of([sample_image("worker", generation)])
}

/// Makes a publisher that requires two signatures of `trusted`.
fn two_of(
    trusted: [&SampleSigner; 3],
    signers: &[&SampleSigner],
    store: &Arc<dyn Store>,
) -> Publisher {
    let keys = TrustedKeys::new(trusted.map(|key| key.public_key().clone())).unwrap();
    let publisher = publisher(store).with_trusted_keys(keys.with_threshold(2).unwrap());
    signers.iter().fold(publisher, |publisher, signer| publisher.with_signer((*signer).clone()))
}

fn problem(error: &Error) -> SignatureProblem {
    assert!(error.hint().is_some());
    let Error::Signature { problem, .. } = error else { panic!("{error:?}") };
    *problem
}

/// Two of three keys have to sign. One of them is lost, or stolen, and is replaced.
pub(crate) async fn a_lost_key_is_replaced_and_older_releases_stay_trusted(make: Make<'_>) {
    let (store, context) = (make(), Context::new());
    let [a, b, c, d, outsider] = [1, 2, 3, 4, 5].map(SampleSigner::new);
    let [one, two, three, evil] = ["one", "two", "three", "evil"].map(release);
    publish(&two_of([&a, &b, &c], &[&a, &b], &store), &one).await;
    publish(&two_of([&a, &b, &c], &[&b, &c], &store), &two).await;

    // While C still counts, A signs the release that only B and C signed.
    let before = two_of([&a, &b, &c], &[&a], &store);
    assert!(before.countersign(two.id(), &context).await.unwrap());
    assert!(!before.countersign(two.id(), &context).await.unwrap(), "it has signed already");
    let signatures = layout::in_release(two.id(), &layout::manifest_signature());
    assert_eq!(text(&store, &signatures).await.unwrap().lines().count(), 3 * 4);

    // D takes the place of C.
    let after = two_of([&a, &b, &d], &[&a, &d], &store);
    assert_clean(&after).await;
    after.rollback(RollbackTo::Release(*one.id()), &context).await.unwrap();
    after.activate(two.id(), &context).await.unwrap();
    publish(&after, &three).await;

    // C, alone or with an outsider, can do nothing, and neither can A alone.
    let alone = two_of([&a, &b, &d], &[&c, &outsider], &store);
    let refused = alone.publish(&evil, &context).await.unwrap_err();
    assert_eq!(problem(&refused), SignatureProblem::UntrustedKey);
    publisher(&store).with_signer(c).with_signer(outsider).stage(&evil, &context).await.unwrap();
    let refused = after.activate(evil.id(), &context).await.unwrap_err();
    assert_eq!(problem(&refused), SignatureProblem::UntrustedKey);
    let refused = after.countersign(evil.id(), &context).await.unwrap_err();
    assert_eq!(problem(&refused), SignatureProblem::UntrustedKey);
    publisher(&store).with_signer(a.clone()).stage(&evil, &context).await.unwrap();
    // A second signature by A does not count as a second key.
    let there = text(&store, &layout::in_release(evil.id(), &layout::manifest_signature())).await;
    assert_eq!(there.unwrap().lines().count(), 3 * 4, "all signatures stay");
    let refused = after.activate(evil.id(), &context).await.unwrap_err();
    let too_few = SignatureProblem::TooFewKeys { signed: 1, threshold: 2 };
    assert_eq!(problem(&refused), too_few);
    assert_eq!(after.live().await.unwrap(), Some(*three.id()));
    // The owner of another trusted key signs it, and it goes live.
    let by_d = two_of([&a, &b, &d], &[&d], &store);
    assert!(by_d.countersign(evil.id(), &context).await.unwrap());
    by_d.activate(evil.id(), &context).await.unwrap();
    // So do two people with a release that nobody published before.
    let next = release("next");
    let by_a = two_of([&a, &b, &d], &[&a], &store);
    assert_eq!(problem(&by_a.publish(&next, &context).await.unwrap_err()), too_few);
    by_a.stage(&next, &context).await.unwrap();
    publish(&by_d, &next).await;
    assert_eq!(after.live().await.unwrap(), Some(*next.id()));
}
