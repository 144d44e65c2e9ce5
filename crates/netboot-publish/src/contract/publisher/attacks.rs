//! Attacks by someone who can write to the target, named as the specification of The Update
//! Framework names them (<https://theupdateframework.github.io/specification/latest/>, section
//! 1.5.2).

use std::sync::Arc;
use std::time::Duration;

use netboot_core::{Context, PointerName, Release, ReleasePath, layout};

use crate::clock::ClockAhead;
use crate::contract::publisher::fixture::{
    Make, assert_clean, delete, ids, path, publish, publisher as new_publisher, text,
};
use crate::contract::sample::{release_of, sample_image};
use crate::contract::sample_signer::SampleSigner;
use crate::error::Error;
use crate::finding::Finding;
use crate::pointer::activation::{Activation, ActivationKind};
use crate::pointer::problem::PointerProblem;
use crate::pointer::stamp::Stamp;
use crate::pointer::{Pointer, PointerContent};
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::prune::retention::Retention;
use crate::publisher::rollback::RollbackTo;
use crate::publisher::verify::VerifyScope;
use crate::signature::Signer;
use crate::store::Store;

const HOUR: Duration = Duration::from_secs(3600);

fn release(generation: &str) -> Release {
    release_of([sample_image("worker", generation)])
}

/// Makes a publisher that signs with a key and trusts only this key.
fn signing(store: &Arc<dyn Store>, key: &SampleSigner) -> Publisher {
    new_publisher(store).with_trusted_keys(key.public_key().clone()).with_signer(key.clone())
}

fn current() -> ReleasePath {
    path("current.ipxe")
}

async fn pointer_text(store: &Arc<dyn Store>) -> String {
    text(store, &current()).await.unwrap()
}

fn parsed(text: &str) -> Pointer {
    let PointerContent::Pointer(pointer) = Pointer::parse(&text.to_owned().into()) else {
        panic!("{text}")
    };
    pointer
}

/// Writes to the target as an attacker does.
async fn replace(store: &Arc<dyn Store>, path: &ReleasePath, text: String) {
    let there = store.read(path).await.unwrap().map(|document| document.version);
    store.swap(path, there.as_ref(), text.into()).await.unwrap();
}

/// Asserts that every operation refuses the pointer and changes nothing. Returns the problem.
async fn refused(publisher: &Publisher, release: &Release) -> PointerProblem {
    let (context, id) = (Context::new(), *release.id());
    let before = pointer_text(publisher.store()).await;
    let dry = Retention::default().with_dry_run(true);
    let errors = [
        publisher.live().await.unwrap_err(),
        publisher.previous().await.unwrap_err(),
        publisher.history().await.unwrap_err(),
        publisher.plan(release, &context).await.unwrap_err(),
        publisher.publish(release, &context).await.unwrap_err(),
        publisher.publish_over(Some(id), release, &context).await.unwrap_err(),
        publisher.activate(&id, &context).await.unwrap_err(),
        publisher.rollback(RollbackTo::Previous, &context).await.unwrap_err(),
        publisher.rollback(RollbackTo::Release(id), &context).await.unwrap_err(),
        publisher.refresh(&context).await.unwrap_err(),
        publisher.prune(&dry, &context).await.unwrap_err(),
    ];
    let problem = problem(publisher).await;
    for error in errors {
        assert!(error.hint().unwrap().contains("with_replace_untrusted"), "{error}");
        let Error::UntrustedPointer { problem: told, .. } = error else { panic!("{error:?}") };
        assert_eq!(told, problem);
    }
    assert_eq!(pointer_text(publisher.store()).await, before);
    problem
}

/// Returns the problem of the pointer as verification tells it.
async fn problem(publisher: &Publisher) -> PointerProblem {
    let (scope, depth) = (VerifyScope::Live, VerifyDepth::Listing);
    let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
    let [Finding::UntrustedPointer { problem, .. }] = &report.findings[..] else {
        panic!("{report}")
    };
    problem.clone()
}

/// An attacker puts an older pointer back, which is signed correctly.
pub(crate) async fn a_rollback_attack_is_refused(make: Make<'_>) {
    let (store, context, key) = (make(), Context::new(), SampleSigner::new(1));
    let [one, two, three] = ["one", "two", "three"].map(release);
    let publisher = signing(&store, &key);
    publish(&publisher, &one).await;
    let old = pointer_text(&store).await;
    publish(&publisher, &two).await;
    let new = parsed(&pointer_text(&store).await);
    assert_eq!(new.counter(), parsed(&old).counter().map(|counter| counter + 1));

    replace(&store, &current(), old.clone()).await;
    let rolled_back = refused(&publisher, &two).await;
    let known = new.counter().unwrap();
    assert_eq!(rolled_back, PointerProblem::RolledBack { counter: known - 1, known });
    // The attacker deletes the pointer, so that pruning deletes what it names.
    delete(&store, &current()).await;
    let later = publisher.clone().with_clock(ClockAhead(2 * HOUR));
    let retention = Retention::default().with_grace(Duration::ZERO).with_keep_last(0);
    let pruned = later.prune(&retention.clone().with_dry_run(true), &context).await.unwrap();
    assert!(pruned.kept.contains(two.id()), "{pruned:?}");
    let verified = publisher.verify(VerifyScope::Live, VerifyDepth::Listing, &context).await;
    let findings = verified.unwrap().findings;
    assert_eq!(findings, [Finding::Missing { path: current() }]);

    // Recovery takes an explicit option, and starts a new history with a higher counter.
    replace(&store, &current(), old).await;
    let recovering = publisher.clone().with_replace_untrusted(true);
    recovering.activate(two.id(), &context).await.unwrap();
    let recovered = parsed(&pointer_text(&store).await);
    assert_eq!((recovered.history.len(), recovered.counter()), (1, Some(known + 1)));
    assert_clean(&publisher).await;

    // Another pointer with the counter of the known one is not it.
    if store.capabilities().compare_and_swap() {
        let mut forged = recovered;
        forged.history = vec![Activation { release: *one.id(), ..forged.history[0].clone() }];
        forged.script = parsed(&pointer_text(&store).await).script;
        let stamp = forged.stamp.clone().unwrap();
        signing(&store, &key).signing.seal(&mut forged, stamp).await.unwrap();
        let text = String::from_utf8(forged.to_bytes().to_vec()).unwrap();
        replace(&store, &current(), text).await;
        let counter = known + 1;
        assert_eq!(refused(&publisher, &three).await, PointerProblem::SameCounter { counter });
    }
}

/// An attacker holds back every newer pointer, so that machines stay at a release with a known
/// flaw.
pub(crate) async fn a_freeze_attack_ends_at_the_best_before_date(make: Make<'_>) {
    let (store, context, key) = (make(), Context::new(), SampleSigner::new(1));
    let one = release("one");
    let publisher = signing(&store, &key).with_pointer_lifetime(HOUR);
    publish(&publisher, &one).await;
    let frozen = pointer_text(&store).await;
    assert_clean(&publisher).await;
    // A reader that was never there before.
    let later = || signing(&store, &key).with_clock(ClockAhead(2 * HOUR));
    let error = later().live().await.unwrap_err();
    let expired = |problem: &PointerProblem| matches!(problem, PointerProblem::Expired { .. });
    assert!(
        matches!(&error, Error::UntrustedPointer { problem, .. } if expired(problem)),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("refresh"), "{error}");
    assert!(expired(&problem(&later()).await));
    assert_eq!(later().history().await.unwrap().len(), 1, "operators still see what was live");

    // A new date is no new activation.
    let renewing = later().with_pointer_lifetime(HOUR);
    assert_eq!(renewing.refresh(&context).await.unwrap(), Some(*one.id()));
    assert_clean(&later()).await;
    let (before, after) = (parsed(&frozen), parsed(&pointer_text(&store).await));
    assert_eq!(after.history, before.history);
    assert_eq!(after.counter(), before.counter().map(|counter| counter + 1));
    // Publishing renews a date as well, but only if there is need.
    replace(&store, &current(), frozen.clone()).await;
    let renewing = later().with_pointer_lifetime(HOUR);
    publish(&renewing, &one).await;
    let renewed = pointer_text(&store).await;
    publish(&renewing, &one).await;
    assert_eq!(pointer_text(&store).await, renewed);
    assert_eq!(parsed(&renewed).history, before.history);
    replace(&store, &current(), frozen).await;
    assert!(expired(&problem(&later()).await));
}

/// An attacker combines sound parts of different pointers and releases.
pub(crate) async fn a_mix_and_match_attack_is_refused(make: Make<'_>) {
    let (store, context, key) = (make(), Context::new(), SampleSigner::new(1));
    let [one, two] = ["one", "two"].map(release);
    let publisher = signing(&store, &key);
    let canary = publisher.clone().with_pointer("canary").unwrap();
    publish(&publisher, &one).await;
    publish(&canary, &two).await;
    let mine = pointer_text(&store).await;
    let other = text(&store, &path("canary.ipxe")).await.unwrap();

    // The pointer of another channel.
    replace(&store, &current(), other.clone()).await;
    let name = PointerName::new("canary").unwrap();
    assert_eq!(refused(&publisher, &one).await, PointerProblem::OtherName { name });
    // The script of one release and the rest of another pointer; the signature of another pointer.
    let (a, b) = (parsed(&mine), parsed(&other));
    for mixed in [
        Pointer { script: b.script.clone(), ..a.clone() },
        Pointer { history: b.history.clone(), ..a.clone() },
        Pointer { stamp: b.stamp.clone(), ..a.clone() },
        Pointer { signatures: b.signatures.clone(), ..a.clone() },
    ] {
        let mixed = String::from_utf8(mixed.to_bytes().to_vec()).unwrap();
        replace(&store, &current(), mixed).await;
        assert_eq!(problem(&publisher).await, PointerProblem::Mismatch);
    }
    assert_eq!(refused(&publisher, &one).await, PointerProblem::Mismatch);

    // A trusted key signed a pointer with a script that is not that of its release.
    let mut wrong = Pointer { script: b.script, ..a.clone() };
    let counter = a.counter().unwrap() + 1;
    let stamp = Stamp { counter, name: publisher.pointer().clone(), best_before: None };
    publisher.signing.seal(&mut wrong, stamp).await.unwrap();
    let wrong = String::from_utf8(wrong.to_bytes().to_vec()).unwrap();
    replace(&store, &current(), wrong).await;
    for error in
        [publisher.live().await.unwrap_err(), publisher.refresh(&context).await.unwrap_err()]
    {
        assert!(
            matches!(&error, Error::UntrustedPointer { problem: PointerProblem::OtherScript, .. }),
            "{error:?}"
        );
    }
    publisher.activate(one.id(), &context).await.unwrap();
    assert_clean(&publisher).await;

    // The manifest of another release, with its signature.
    for file in [layout::manifest(), layout::manifest_signature()] {
        let theirs = text(&store, &layout::in_release(two.id(), &file)).await.unwrap();
        replace(&store, &layout::in_release(one.id(), &file), theirs).await;
    }
    for error in [
        publisher.activate(one.id(), &context).await.unwrap_err(),
        publisher.images(one.id()).await.unwrap_err(),
        publisher.refresh(&context).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::MalformedManifest { .. }), "{error:?}");
    }
    let (scope, depth) = (VerifyScope::Live, VerifyDepth::Listing);
    let report = publisher.verify(scope, depth, &context).await.unwrap();
    assert!(matches!(report.findings[..], [Finding::MalformedManifest { .. }]), "{report}");
}

/// An attacker signs with a key of its own, or leaves the signature out.
pub(crate) async fn a_pointer_of_a_wrong_key_is_refused(make: Make<'_>) {
    let (store, context) = (make(), Context::new());
    let (ours, theirs) = (SampleSigner::new(1), SampleSigner::new(2));
    let [one, evil] = ["one", "evil"].map(release);
    let publisher = signing(&store, &ours);
    publish(&publisher, &one).await;
    let sound = parsed(&pointer_text(&store).await);

    let attacking = signing(&store, &theirs).with_replace_untrusted(true);
    publish(&attacking, &evil).await;
    assert_eq!(refused(&publisher, &one).await, PointerProblem::UntrustedKey);
    let unsigned = Pointer { signatures: String::new(), ..sound.clone() };
    let unsigned = String::from_utf8(unsigned.to_bytes().to_vec()).unwrap();
    replace(&store, &current(), unsigned).await;
    assert_eq!(refused(&publisher, &one).await, PointerProblem::Unsigned);
    // A publisher without trusted keys trusts its own key only.
    let alone = new_publisher(&store).with_signer(ours.clone());
    assert_eq!(refused(&alone, &one).await, PointerProblem::Unsigned);
    // A publisher that knows no key writes pointers that nobody trusts, in the place of any other.
    let keyless = new_publisher(&store).with_unsigned_pointers(true);
    publish(&keyless, &evil).await;
    assert_eq!(refused(&publisher, &one).await, PointerProblem::Unsigned);

    // The history of the attacker does not go on.
    let recovering = publisher.clone().with_replace_untrusted(true);
    recovering.activate(one.id(), &context).await.unwrap();
    let history = publisher.history().await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.release).collect::<Vec<_>>(), ids([&one]));
    assert!(parsed(&pointer_text(&store).await).counter() > sound.counter());
    // Without a signer whose key is trusted, nobody writes a pointer.
    let mute = new_publisher(&store).with_trusted_keys(ours.public_key().clone());
    publish(&mute, &one).await;
    signing(&store, &ours).stage(&release("two"), &context).await.unwrap();
    let error = mute.activate(release("two").id(), &context).await.unwrap_err();
    assert!(matches!(error, Error::NoPointerSigner { .. }), "{error:?}");
    let kinds: Vec<_> = history.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [ActivationKind::Activated]);
}
