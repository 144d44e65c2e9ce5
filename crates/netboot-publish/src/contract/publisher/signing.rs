//! Checks of signed releases.

use std::sync::Arc;
use std::time::Duration;

use netboot_core::{Context, Release, ReleasePath, layout};

use crate::contract::later::later;
use crate::contract::publisher::fixture::{
    Make, assert_clean, delete, flip, publish, publisher, text,
};
use crate::contract::sample::{release_of, sample_image};
use crate::contract::sample_signer::SampleSigner;
use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::prune::retention::Retention;
use crate::publisher::rollback::RollbackTo;
use crate::publisher::verify::VerifyScope;
use crate::receipt::Outcome;
use crate::signature::Signer;
use crate::signature::problem::SignatureProblem;
use crate::store::Store;

/// Makes a release of one profile, since a store may need much time for each object.
fn small_release(generation: &str) -> Release {
    release_of([sample_image("worker", generation)])
}

/// Makes a publisher that signs with `key` and trusts only this key.
fn signing(store: &Arc<dyn Store>, key: &SampleSigner) -> Publisher {
    trusting(store, key).with_signer(key.clone())
}

fn trusting(store: &Arc<dyn Store>, key: &SampleSigner) -> Publisher {
    publisher(store).with_trusted_keys(key.public_key().clone())
}

fn signature(release: &Release) -> ReleasePath {
    layout::in_release(release.id(), &layout::manifest_signature())
}

fn manifest(release: &Release) -> ReleasePath {
    layout::in_release(release.id(), &layout::manifest())
}

async fn replace(store: &Arc<dyn Store>, path: &ReleasePath, bytes: String) {
    let there = store.read(path).await.unwrap().map(|document| document.version);
    store.swap(path, there.as_ref(), bytes.into()).await.unwrap();
}

async fn problem(publisher: &Publisher, release: &Release) -> Option<SignatureProblem> {
    let (scope, context) = (VerifyScope::Release(*release.id()), Context::new());
    let report = publisher.verify(scope, VerifyDepth::Listing, &context).await.unwrap();
    let activated = publisher.activate(release.id(), &context).await;
    match (&report.findings[..], activated) {
        ([], Ok(_)) => None,
        ([Finding::Signature { problem, .. }], Err(error)) => {
            assert!(error.hint().is_some());
            let Error::Signature { problem: same, .. } = error else { panic!("{error:?}") };
            assert_eq!(same, *problem);
            Some(same)
        }
        (findings, activated) => panic!("{findings:?}, {activated:?}"),
    }
}

pub(crate) async fn a_signed_release_goes_live_and_is_signed_once(make: Make<'_>) {
    let (store, key, one) = (make(), SampleSigner::new(1), small_release("one"));
    let publisher = signing(&store, &key);
    publish(&publisher, &one).await;
    let signed = text(&store, &signature(&one)).await.unwrap();
    assert!(signed.contains(&format!("trusted comment: netboot release {}", one.id())), "{signed}");
    assert_clean(&publisher).await;
    let again = publisher.publish(&one, &Context::new()).await.unwrap();
    assert_eq!(again.outcome, Outcome::Unchanged);
    publisher.stage(&one, &Context::new()).await.unwrap();
    assert_eq!(text(&store, &signature(&one)).await.unwrap(), signed);
    // A publisher without a signer can publish a signed release.
    publish(&trusting(&store, &key), &one).await;
    // Publishing makes a missing signature again.
    delete(&store, &signature(&one)).await;
    publish(&publisher, &one).await;
    assert_clean(&publisher).await;

    publish(&publisher, &small_release("two")).await;
    let publisher = later(&publisher, Duration::from_secs(2));
    let retention = Retention::default().with_grace(Duration::ZERO).with_keep_last(1);
    let report = publisher.prune(&retention, &Context::new()).await.unwrap();
    assert_eq!(report.deleted, [*one.id()].into());
    assert_clean(&publisher).await;
}

pub(crate) async fn only_what_a_trusted_key_signed_goes_live(make: Make<'_>) {
    let (store, ours, theirs) = (make(), SampleSigner::new(1), SampleSigner::new(2));
    let [one, two] = ["one", "two"].map(small_release);
    let trusting = trusting(&store, &ours);
    publish(&signing(&store, &ours), &one).await;

    let unsigned = trusting.publish(&two, &Context::new()).await.unwrap_err();
    assert!(
        matches!(unsigned, Error::Signature { problem: SignatureProblem::Missing, .. }),
        "{unsigned:?}"
    );
    let by_them = trusting.clone().with_signer(theirs.clone());
    let untrusted = by_them.publish(&two, &Context::new()).await.unwrap_err();
    assert!(
        matches!(untrusted, Error::Signature { problem: SignatureProblem::UntrustedKey, .. }),
        "{untrusted:?}"
    );
    assert_eq!(trusting.releases().await.unwrap().len(), 1, "it was found before sending");

    publisher(&store).stage(&two, &Context::new()).await.unwrap();
    assert_eq!(problem(&trusting, &two).await, Some(SignatureProblem::Missing));
    publisher(&store).with_signer(theirs).stage(&two, &Context::new()).await.unwrap();
    assert_eq!(problem(&trusting, &two).await, Some(SignatureProblem::UntrustedKey));
    replace(&store, &signature(&two), "no signature\n".to_owned()).await;
    assert_eq!(problem(&trusting, &two).await, Some(SignatureProblem::Malformed));
    let others = text(&store, &signature(&one)).await.unwrap();
    replace(&store, &signature(&two), others).await;
    assert_eq!(problem(&trusting, &two).await, Some(SignatureProblem::Mismatch));
    let to = RollbackTo::Release(*two.id());
    let error = trusting.rollback(to, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::Signature { .. }), "{error:?}");
    assert_eq!(trusting.live().await.unwrap(), Some(*one.id()));

    signing(&store, &ours).stage(&two, &Context::new()).await.unwrap();
    assert_eq!(problem(&signing(&store, &ours), &two).await, None);
    assert_eq!(trusting.live().await.unwrap(), Some(*two.id()));
}

pub(crate) async fn what_was_changed_after_signing_does_not_go_live(make: Make<'_>) {
    let (store, key) = (make(), SampleSigner::new(1));
    let publisher = signing(&store, &key);
    let [one, two] = ["one", "two"].map(small_release);
    publish(&publisher, &one).await;
    publisher.stage(&two, &Context::new()).await.unwrap();
    // The id does not cover the origin, so the changed manifest can still be understood.
    let json = text(&store, &manifest(&two)).await.unwrap();
    replace(&store, &manifest(&two), json.replace("\"builder\": \"", "\"builder\": \"hacker"))
        .await;
    assert_ne!(text(&store, &manifest(&two)).await.unwrap(), json);
    assert_eq!(problem(&publisher, &two).await, Some(SignatureProblem::Mismatch));
    publish(&publisher, &two).await;
    assert_eq!(text(&store, &manifest(&two)).await.unwrap(), json, "it was written anew");
    assert_clean(&publisher).await;

    // Change a script and the text of an entry point without changing their sizes.
    let entry_point = one.manifest().entry_points()[&layout::boot_script()].sha256;
    for path in [
        layout::in_release(one.id(), &layout::profile_script(&"worker".parse().unwrap())),
        layout::blob(&entry_point),
    ] {
        let sound = text(&store, &path).await.unwrap();
        flip(&store, &path).await;
        let result = publisher.rollback(RollbackTo::Previous, &Context::new()).await;
        let error = result.unwrap_err();
        assert!(
            matches!(&error, Error::NotWhole { findings, .. }
                if matches!(&findings[..], [Finding::WrongDigest { path: wrong, .. }] if *wrong == path)),
            "{path}: {error:?}"
        );
        assert_eq!(publisher.live().await.unwrap(), Some(*two.id()));
        replace(&store, &path, sound).await;
    }
    publisher.rollback(RollbackTo::Previous, &Context::new()).await.unwrap();
    assert_clean(&publisher).await;
}
