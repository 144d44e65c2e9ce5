//! Checks of releases whose images have a closure.

use std::collections::BTreeSet;
use std::time::Duration;

use netboot_core::{Closure, Context, Image, Release, ReleasePath, layout};
use tokio::io::AsyncReadExt;

use crate::MemoryStore;
use crate::contract::later::later;
use crate::contract::publisher::fixture::{
    Make, assert_clean, delete, flip, publish, publisher, put, text,
};
use crate::contract::sample::{release_of, sample_image, small_release};
use crate::error::Error;
use crate::finding::Finding;
use crate::publisher::Publisher;
use crate::publisher::checks::depth::VerifyDepth;
use crate::publisher::prune::retention::Retention;
use crate::publisher::repair::source::RepairSource;
use crate::publisher::rollback::RollbackTo;
use crate::publisher::verify::VerifyScope;

/// Returns the paths at a target of the index and the store paths of a release's worker.
fn places(release: &Release) -> Vec<ReleasePath> {
    let worker = release.manifest().images()["worker"].closure.as_ref().unwrap();
    worker.contents().map(|content| layout::blob(&content.sha256)).collect()
}

async fn findings(publisher: &Publisher, depth: VerifyDepth) -> BTreeSet<ReleasePath> {
    let report = publisher.verify(VerifyScope::Live, depth, &Context::new()).await.unwrap();
    report.findings.iter().map(|finding| finding.path().unwrap().clone()).collect()
}

pub(crate) async fn damage_of_a_closure_is_found_and_repaired(make: Make<'_>) {
    let (store, release) = (make(), small_release("one"));
    let publisher = publisher(&store);
    publish(&publisher, &release).await;
    let mirror = Publisher::new(MemoryStore::new());
    publish(&mirror, &release).await;
    let [index, first, second] = &places(&release)[..] else { panic!("another sample") };
    for source in [RepairSource::release(&release), RepairSource::mirror(&mirror)] {
        flip(&store, index).await;
        put(&store, first.as_str(), "cut").await;
        delete(&store, second).await;
        let by_size = BTreeSet::from([first.clone(), second.clone()]);
        assert_eq!(findings(&publisher, VerifyDepth::Listing).await, by_size);
        // Store paths are as large as initrds, so this depth does not read them.
        assert_eq!(findings(&publisher, VerifyDepth::Scripts).await, by_size);
        let all: BTreeSet<ReleasePath> = places(&release).into_iter().collect();
        assert_eq!(findings(&publisher, VerifyDepth::Content).await, all);
        let lacking = publisher.activate(release.id(), &Context::new()).await.unwrap_err();
        assert!(matches!(lacking, Error::NotWhole { .. }), "{lacking:?}");
        let report = publisher.repair(release.id(), &[source], &Context::new()).await.unwrap();
        assert!(report.is_whole(), "{report}");
        assert_eq!(report.mended.into_keys().collect::<BTreeSet<_>>(), all);
        assert_clean(&publisher).await;
    }
    // Publishing sends what is missing, too.
    delete(&store, first).await;
    let receipt = publisher.publish(&release, &Context::new()).await.unwrap();
    assert_eq!(receipt.staged.unwrap().sent, 1);
    assert_clean(&publisher).await;
}

pub(crate) async fn pruning_keeps_the_store_paths_of_kept_releases(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let releases = ["one", "two", "three"].map(small_release);
    let [one, two, three] = &releases;
    for release in &releases {
        publish(&publisher, release).await;
    }
    // Machines that booted the first release still fetch its store paths.
    let grace = Retention::default().with_keep_last(1);
    let report = publisher.prune(&grace, &Context::new()).await.unwrap();
    assert!(report.deleted_blobs.is_empty(), "{report}");

    let publisher = later(&publisher, Duration::from_secs(3));
    let strict = grace.with_keep_last(2).with_grace(Duration::ZERO);
    let report = publisher.prune(&strict, &Context::new()).await.unwrap();
    let of = |release| places(release).into_iter().collect::<BTreeSet<_>>();
    let kept: BTreeSet<ReleasePath> = of(two).union(&of(three)).cloned().collect();
    let gone: BTreeSet<ReleasePath> = of(one).difference(&kept).cloned().collect();
    assert_eq!((kept.len(), gone.len()), (5, 2), "the releases share one store path");
    let all: Vec<ReleasePath> = kept.union(&gone).cloned().collect();
    let there: BTreeSet<ReleasePath> = store.stat(&all).await.unwrap().into_keys().collect();
    assert_eq!(there, kept, "{report}");

    publisher.rollback(RollbackTo::Release(*two.id()), &Context::new()).await.unwrap();
    assert_clean(&publisher).await;
    publish(&publisher, one).await;
    assert_clean(&publisher).await;
}

pub(crate) async fn an_image_is_carried_over_with_its_closure(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let one = release_of(["worker", "control-plane"].map(|name| sample_image(name, "one")));
    publish(&publisher, &one).await;
    let mut images = publisher.images(one.id()).await.unwrap();
    images.retain(|image| image.profile().as_str() == "worker");
    let built = sample_image("worker", "one");
    assert_eq!(images[0].manifest().closure, built.manifest().closure);
    let read = async |image: &Image| {
        let mut all = Vec::new();
        for artifact in image.closure().into_iter().flat_map(Closure::artifacts) {
            let mut reader = artifact.open().await.unwrap();
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).await.unwrap();
            all.push(bytes);
        }
        all.sort();
        all
    };
    assert_eq!(read(&images[0]).await, read(&built).await);
    let two = release_of(images.into_iter().chain([sample_image("control-plane", "two")]));
    let receipt = publisher.publish(&two, &Context::new()).await.unwrap();
    let staged = receipt.staged.unwrap();
    // The worker's initrds, its kernel and its closure were there, and three entry points.
    assert_eq!(staged.present, 2 + 1 + 3 + 3, "{staged}");
    assert_clean(&publisher).await;

    // Another target gets the bytes from the first one.
    let other = Publisher::new(MemoryStore::new());
    let images = publisher.images(two.id()).await.unwrap();
    publish(&other, &release_of(images)).await;
    assert_clean(&other).await;
    flip(&store, &places(&one)[1]).await;
    let images = publisher.images(two.id()).await.unwrap();
    let altered = Publisher::new(MemoryStore::new());
    altered.publish(&release_of(images), &Context::new()).await.unwrap_err();
    assert_eq!(altered.live().await.unwrap(), None);
}

/// A publisher that reads only older versions of the manifest does not know all blobs of a release.
pub(crate) async fn a_manifest_of_a_newer_version_is_left_alone(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two] = ["one", "two"].map(small_release);
    publish(&publisher, &one).await;
    publish(&publisher, &two).await;
    let manifest = layout::in_release(one.id(), &layout::manifest());
    let sound = text(&store, &manifest).await.unwrap();
    let newer = sound.replacen("\"version\": 3", "\"version\": 4", 1);
    assert_ne!(newer, sound);
    let version = store.read(&manifest).await.unwrap().unwrap().version;
    store.swap(&manifest, Some(&version), newer.clone().into()).await.unwrap();

    let ahead = later(&publisher, Duration::from_secs(3));
    let strict = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
    for error in [
        ahead.prune(&strict, &Context::new()).await.unwrap_err(),
        publisher.stage(&one, &Context::new()).await.unwrap_err(),
        publisher.publish(&one, &Context::new()).await.unwrap_err(),
        publisher.activate(one.id(), &Context::new()).await.unwrap_err(),
        publisher
            .repair(one.id(), &[RepairSource::release(&one)], &Context::new())
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::MalformedManifest { .. }), "{error:?}");
    }
    assert_eq!(text(&store, &manifest).await.unwrap(), newer);
    let all: Vec<ReleasePath> = places(&one);
    assert_eq!(store.stat(&all).await.unwrap().len(), all.len(), "a blob was deleted");
    let report = publisher
        .verify(VerifyScope::Everything, VerifyDepth::Listing, &Context::new())
        .await
        .unwrap();
    assert!(
        matches!(&report.findings[..], [Finding::MalformedManifest { release, .. }]
            if release == one.id()),
        "{report}"
    );
}
