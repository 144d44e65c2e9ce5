//! The promises of [`Publisher`], over any store.

use std::sync::Arc;
use std::time::Duration;

use netboot_core::{
    CancellationToken, Context, Manifest, PointerName, Release, ReleaseId, ReleasePath, layout,
};

use super::sample::{release_of, sample_image, sample_release};
use crate::pointer::ActivationKind;
use crate::publisher::{Publisher, Retention, RollbackTo, VerifyDepth, VerifyScope};
use crate::receipt::Outcome;
use crate::store::{Entry, Store, Swap};
use crate::{Error, Finding};

type Make<'a> = &'a dyn Fn() -> Arc<dyn Store>;

pub(super) async fn check(make: Make<'_>) {
    publishing_makes_a_release_live(make).await;
    publishing_again_changes_nothing(make).await;
    what_is_there_is_not_sent_again(make).await;
    staging_changes_nothing_that_machines_boot(make).await;
    explanations_of_a_release_stay(make).await;
    another_pointer_text_replaces_the_old_one(make).await;
    damage_is_found_and_repaired(make).await;
    only_whole_releases_go_live(make).await;
    rollback_walks_back(make).await;
    a_lost_race_is_a_conflict(make).await;
    files_of_others_stay(make).await;
    a_damaged_pointer_is_an_error(make).await;
    links_of_the_old_layout_follow_the_live_release(make).await;
    pruning_keeps_what_is_wanted(make).await;
    pruning_spares_other_pointers_and_young_releases(make).await;
    a_broken_off_pruning_is_completed(make).await;
    cancelling_leaves_the_old_release_live(make).await;
}

fn path(text: &str) -> ReleasePath {
    ReleasePath::new(text).unwrap()
}

fn publisher(store: &Arc<dyn Store>) -> Publisher {
    Publisher::from(store.clone())
}

async fn text(store: &Arc<dyn Store>, path: &ReleasePath) -> Option<String> {
    let document = store.read(path).await.unwrap()?;
    Some(String::from_utf8(document.bytes.to_vec()).unwrap())
}

async fn put(store: &Arc<dyn Store>, place: &str, text: &'static str) {
    let there = store.read(&path(place)).await.unwrap().map(|document| document.version);
    let swap = store.swap(&path(place), there.as_ref(), text.into()).await.unwrap();
    assert_eq!(swap, Swap::Done);
}

async fn delete(store: &Arc<dyn Store>, place: &ReleasePath) {
    store.delete(std::slice::from_ref(place), &Context::new()).await.unwrap();
}

async fn assert_clean(publisher: &Publisher) {
    let (scope, depth) = (VerifyScope::Everything, VerifyDepth::Content);
    let report = publisher.verify(scope, depth, &Context::new()).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn publish(publisher: &Publisher, release: &Release) {
    publisher.publish(release, &Context::new()).await.unwrap();
}

fn ids<'a>(releases: impl IntoIterator<Item = &'a Release>) -> Vec<ReleaseId> {
    releases.into_iter().map(|release| *release.id()).collect()
}

async fn publishing_makes_a_release_live(make: Make<'_>) {
    let (store, release) = (make(), sample_release("one"));
    let publisher = publisher(&store);
    assert_eq!(publisher.live().await.unwrap(), None);
    assert!(publisher.history().await.unwrap().is_empty());

    let plan = publisher.plan(&release, &Context::new()).await.unwrap();
    assert!(!plan.staged && plan.foreign.is_empty());
    let receipt = publisher.publish(&release, &Context::new()).await.unwrap();
    assert_eq!((receipt.outcome, receipt.previous), (Outcome::Activated, None));
    assert_eq!(receipt.order_guarded, store.capabilities().compare_and_swap());
    let staged = receipt.staged.unwrap();
    assert_eq!((staged.sent, staged.sent_bytes), (plan.to_send.len(), plan.bytes_to_send));
    assert_eq!(receipt.entry_points, plan.entry_points);

    assert_eq!(publisher.live().await.unwrap(), Some(*release.id()));
    let pointer = text(&store, &path("current.ipxe")).await.unwrap();
    assert!(pointer.as_bytes().starts_with(release.pointer()), "{pointer}");
    let rest = &pointer[release.pointer().len()..];
    assert!(rest.lines().all(|line| line.starts_with("# ")), "more than comments: {rest}");
    for (path, bytes) in release.entry_points() {
        assert_eq!(text(&store, path).await.unwrap().as_bytes(), bytes);
    }
    let manifest = layout::in_release(release.id(), &layout::manifest());
    let manifest = text(&store, &manifest).await.unwrap();
    assert_eq!(&Manifest::from_json(manifest.as_bytes()).unwrap(), release.manifest());
    assert_clean(&publisher).await;
}

async fn publishing_again_changes_nothing(make: Make<'_>) {
    let (store, release) = (make(), sample_release("one"));
    let publisher = publisher(&store);
    publish(&publisher, &release).await;
    let before = store.stat(&[path("current.ipxe"), path("boot.ipxe")]).await.unwrap();
    let receipt = publisher.publish(&release, &Context::new()).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Unchanged);
    assert_eq!(receipt.staged.as_ref().unwrap().sent, 0);
    assert!(receipt.entry_points.is_empty());
    assert_eq!(store.stat(&[path("current.ipxe"), path("boot.ipxe")]).await.unwrap(), before);
    assert_eq!(publisher.history().await.unwrap().len(), 1);
    assert!(publisher.plan(&release, &Context::new()).await.unwrap().is_empty());
}

async fn what_is_there_is_not_sent_again(make: Make<'_>) {
    let (store, one, two) = (make(), sample_release("one"), sample_release("two"));
    let publisher = publisher(&store);
    publish(&publisher, &one).await;
    let shared: Vec<_> = one.manifest().objects().into_keys().collect();
    let before = store.stat(&shared).await.unwrap();
    let receipt = publisher.publish(&two, &Context::new()).await.unwrap();
    let staged = receipt.staged.unwrap();
    // The kernel and the three entry points' texts.
    assert_eq!(staged.present, 4);
    assert!(receipt.entry_points.is_empty(), "entry points are the same for every release");
    assert_eq!(store.stat(&shared).await.unwrap(), before);
    assert_eq!(staged.sent + staged.present, two.manifest().objects().len() + 3);
}

async fn staging_changes_nothing_that_machines_boot(make: Make<'_>) {
    let (store, one, two) = (make(), sample_release("one"), sample_release("two"));
    let publisher = publisher(&store);
    publish(&publisher, &one).await;
    let pointer = text(&store, &path("current.ipxe")).await;
    let staged = publisher.stage(&two, &Context::new()).await.unwrap();
    assert_eq!(staged.release, *two.id());
    assert_eq!(text(&store, &path("current.ipxe")).await, pointer);
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));
    assert_eq!(publisher.releases().await.unwrap().len(), 2);
    let boot = layout::in_release(two.id(), &layout::boot_script());
    assert!(text(&store, &boot).await.is_some(), "it boots before it is live");
    assert_clean(&publisher).await;

    let again = publisher.stage(&two, &Context::new()).await.unwrap();
    assert_eq!(again.sent, 0);
    let receipt = publisher.activate(two.id(), &Context::new()).await.unwrap();
    assert_eq!((receipt.outcome, receipt.previous), (Outcome::Activated, Some(*one.id())));
    assert_eq!(publisher.live().await.unwrap(), Some(*two.id()));

    // A release that was only ever staged can be the first one that goes live.
    let store = make();
    let publisher = self::publisher(&store);
    publisher.stage(&one, &Context::new()).await.unwrap();
    assert!(text(&store, &path("boot.ipxe")).await.is_none());
    publisher.activate(one.id(), &Context::new()).await.unwrap();
    assert!(text(&store, &path("boot.ipxe")).await.is_some());
    assert_clean(&publisher).await;
}

/// The same release but for its explanations, or its pointer's text.
fn variant(release: &Release, title: &str, pointer: &str) -> Release {
    let images = ["worker", "control-plane"].map(|name| {
        let manifest = &release.manifest().images()[name];
        let manifest =
            netboot_core::ImageManifest { title: title.parse().unwrap(), ..manifest.clone() };
        let image = sample_image(name, "one");
        netboot_core::Image::from_manifest(image.profile(), &manifest, |kind, record| {
            let log = image.build_log().filter(|_| kind == netboot_core::ArtifactKind::BuildLog);
            let mut artifacts = image.payload().chain(log);
            artifacts.find(|artifact| artifact.file_name() == &record.file_name).unwrap().clone()
        })
        .unwrap()
    });
    let mut builder = Release::builder(images);
    for (path, script) in release.files() {
        if script.kind() == netboot_core::ArtifactKind::Script {
            builder = builder.script(path.clone(), script.clone());
        }
    }
    for (path, text) in release.entry_points() {
        builder = builder.entry_point(path.clone(), text.clone());
    }
    let mark = layout::GENERATED_MARK;
    builder.build(|id| format!("#!ipxe\n{mark}\n{pointer} releases/{id}/boot.ipxe\n")).unwrap()
}

async fn explanations_of_a_release_stay(make: Make<'_>) {
    let (store, release) = (make(), sample_release("one"));
    let publisher = publisher(&store);
    let (first, second) =
        (variant(&release, "first", "chain"), variant(&release, "second", "chain"));
    assert_eq!(first.id(), second.id());
    publish(&publisher, &first).await;
    let receipt = publisher.publish(&second, &Context::new()).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Unchanged);
    publisher.stage(&second, &Context::new()).await.unwrap();
    let manifest = layout::in_release(first.id(), &layout::manifest());
    assert!(text(&store, &manifest).await.unwrap().contains("\"first\""));
    assert_clean(&publisher).await;
}

async fn another_pointer_text_replaces_the_old_one(make: Make<'_>) {
    let (store, release) = (make(), sample_release("one"));
    let publisher = publisher(&store);
    let (first, second) = (variant(&release, "x", "chain"), variant(&release, "x", "chain -ar"));
    assert_eq!(first.id(), second.id());
    publish(&publisher, &first).await;
    let receipt = publisher.publish(&second, &Context::new()).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Activated);
    let pointer = text(&store, &path("current.ipxe")).await.unwrap();
    assert!(pointer.as_bytes().starts_with(second.pointer()), "{pointer}");
    assert_clean(&publisher).await;
}

async fn damage_is_found_and_repaired(make: Make<'_>) {
    let (store, release) = (make(), sample_release("one"));
    let publisher = publisher(&store);
    publish(&publisher, &release).await;
    let verify = async |depth| {
        publisher.verify(VerifyScope::Live, depth, &Context::new()).await.unwrap().findings
    };
    let id = release.id();
    let initrd = release.manifest().images()["worker"].initrds[0].clone();
    let blob = layout::blob(&initrd.sha256);
    let script = layout::in_release(id, &layout::boot_script());

    delete(&store, &script).await;
    put(&store, blob.as_str(), "short").await;
    assert_eq!(
        verify(VerifyDepth::Listing).await,
        [
            Finding::WrongSize { path: blob.clone(), expected: initrd.size, found: Some(5) },
            Finding::Missing { path: script.clone() },
        ]
    );
    let receipt = publisher.publish(&release, &Context::new()).await.unwrap();
    assert_eq!((receipt.outcome, receipt.staged.unwrap().sent), (Outcome::Unchanged, 2));
    assert_clean(&publisher).await;

    let size = usize::try_from(initrd.size).unwrap();
    let there = store.read(&blob).await.unwrap().unwrap().version;
    store.swap(&blob, Some(&there), vec![0; size].into()).await.unwrap();
    assert!(verify(VerifyDepth::Listing).await.is_empty());
    let found = verify(VerifyDepth::Content).await;
    assert!(
        matches!(&found[..], [Finding::WrongDigest { path, .. }] if *path == blob),
        "{found:?}"
    );
    delete(&store, &blob).await;
    publish(&publisher, &release).await;

    put(&store, "blobs/readme", "from somebody else").await;
    delete(&store, &path("boot.ipxe")).await;
    let everything = VerifyScope::Everything;
    let report = publisher.verify(everything, VerifyDepth::Content, &Context::new()).await.unwrap();
    let unknown = Finding::Unknown { path: "blobs/readme".to_owned() };
    assert_eq!(report.findings, [Finding::Missing { path: path("boot.ipxe") }, unknown]);
    let other = VerifyScope::Release(*sample_release("two").id());
    let error = publisher.verify(other, VerifyDepth::Listing, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::NotStaged { .. }), "{error:?}");
}

async fn only_whole_releases_go_live(make: Make<'_>) {
    let (store, one, two) = (make(), sample_release("one"), sample_release("two"));
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

async fn rollback_walks_back(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let context = Context::new();
    let error = publisher.rollback(RollbackTo::Previous, &context).await.unwrap_err();
    assert!(matches!(error, Error::NothingToRollBackTo { .. }), "{error:?}");
    let releases = ["one", "two", "three"].map(sample_release);
    for release in &releases {
        publish(&publisher, release).await;
    }
    let [one, two, three] = &releases;
    for (now, before) in [(two, three), (one, two)] {
        let receipt = publisher.rollback(RollbackTo::Previous, &context).await.unwrap();
        assert_eq!(receipt.outcome, Outcome::RolledBack);
        assert_eq!((receipt.release, receipt.previous), (*now.id(), Some(*before.id())));
        assert_eq!(publisher.live().await.unwrap(), Some(*now.id()));
    }
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

async fn a_lost_race_is_a_conflict(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two, three] = ["one", "two", "three"].map(sample_release);
    publish(&publisher, &one).await;
    // After the second publisher looked at the pointer, and before it swaps, the third is made live.
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

async fn files_of_others_stay(make: Make<'_>) {
    for place in ["current.ipxe", "boot.ipxe", "worker/netboot.ipxe"] {
        let (store, release) = (make(), sample_release("one"));
        let publisher = publisher(&store);
        put(&store, place, "#!ipxe\necho mine\n").await;
        let plan = publisher.plan(&release, &Context::new()).await.unwrap();
        assert_eq!(plan.foreign, [path(place)]);
        let error = publisher.publish(&release, &Context::new()).await.unwrap_err();
        assert!(matches!(&error, Error::ForeignFile { path, .. } if path.as_str() == place));
        assert!(error.hint().unwrap().contains(place));
        assert!(publisher.releases().await.unwrap().is_empty(), "it was found before sending");
        publisher.stage(&release, &Context::new()).await.unwrap();
        let error = publisher.activate(release.id(), &Context::new()).await.unwrap_err();
        assert!(matches!(error, Error::ForeignFile { .. }), "{error:?}");
        assert_eq!(text(&store, &path(place)).await.unwrap(), "#!ipxe\necho mine\n");

        let bold = publisher.with_replace_foreign(true);
        publish(&bold, &release).await;
        assert_eq!(bold.live().await.unwrap(), Some(*release.id()));
        assert_clean(&bold).await;
    }
    // An entry point of ours that says something else is replaced.
    let (store, release) = (make(), sample_release("one"));
    put(&store, "boot.ipxe", "#!ipxe\n# Generated by netboot\necho older\n").await;
    publish(&publisher(&store), &release).await;
    assert_clean(&publisher(&store)).await;
}

async fn a_damaged_pointer_is_an_error(make: Make<'_>) {
    let (store, release) = (make(), sample_release("one"));
    let publisher = publisher(&store);
    publish(&publisher, &release).await;
    put(&store, "current.ipxe", "# Generated by netboot\n# netboot activated yesterday\n").await;
    let malformed = |error: Error| assert!(matches!(error, Error::MalformedPointer { .. }));
    malformed(publisher.live().await.unwrap_err());
    malformed(publisher.history().await.unwrap_err());
    malformed(publisher.publish(&release, &Context::new()).await.unwrap_err());
    malformed(publisher.activate(release.id(), &Context::new()).await.unwrap_err());
    malformed(publisher.rollback(RollbackTo::Previous, &Context::new()).await.unwrap_err());
    malformed(publisher.prune(&Retention::default(), &Context::new()).await.unwrap_err());
    let scope = VerifyScope::Live;
    let report = publisher.verify(scope, VerifyDepth::Listing, &Context::new()).await.unwrap();
    assert!(matches!(report.findings[..], [Finding::BrokenPointer { .. }]), "{report}");
    delete(&store, &path("current.ipxe")).await;
    publisher.activate(release.id(), &Context::new()).await.unwrap();
    assert_clean(&publisher).await;
}

async fn links_of_the_old_layout_follow_the_live_release(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store).with_legacy_links(true);
    let (one, two) = (sample_release("one"), release_of([sample_image("worker", "two")]));
    if !store.capabilities().links() {
        let error = publisher.publish(&one, &Context::new()).await.unwrap_err();
        assert!(matches!(error, Error::LinksUnsupported { .. }), "{error:?}");
        assert_eq!(publisher.live().await.unwrap(), None);
        return;
    }
    let link = async |place: &str| {
        let path = path(place);
        match store.stat(std::slice::from_ref(&path)).await.unwrap().remove(&path) {
            Some(Entry::Link { target }) => Some(target),
            None => None,
            other => panic!("{place} is {other:?}"),
        }
    };
    for release in [&one, &two, &one] {
        let receipt = publisher.publish(release, &Context::new()).await.unwrap();
        assert!(!receipt.links.is_empty());
        assert_clean(&publisher).await;
        for (profile, image) in release.manifest().images() {
            let (kernel, initrd) = (image.kernel.sha256, image.initrds[0].sha256);
            for (name, blob) in [("bzImage", kernel), ("Image", kernel), ("initrd", initrd)] {
                let target = format!("../blobs/{blob}");
                assert_eq!(link(&format!("{profile}/{name}")).await, Some(target));
                let target = format!("blobs/{blob}");
                assert_eq!(link(&format!("{name}-{profile}")).await, Some(target));
            }
        }
        // A profile that the live release lacks has no links any more.
        let has = release.manifest().images().contains_key("control-plane");
        assert_eq!(link("control-plane/bzImage").await.is_some(), has);
        assert_eq!(link("initrd-control-plane").await.is_some(), has);
        let again = publisher.publish(release, &Context::new()).await.unwrap();
        assert!(again.links.is_empty() && again.outcome == Outcome::Unchanged);
    }
    delete(&store, &path("bzImage-worker")).await;
    put(&store, "bzImage-worker", "a kernel of the old script").await;
    let error = publisher.publish(&two, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::ForeignFile { .. }), "{error:?}");
    publish(&publisher.with_replace_foreign(true), &two).await;
}

fn without_grace() -> Retention {
    Retention::default().grace(Duration::ZERO)
}

/// Lets the clock of the store move on, so that what is there is older than no grace at all.
async fn age() {
    tokio::time::sleep(Duration::from_millis(30)).await;
}

/// Past the second that the history counts in.
async fn age_past_the_second() {
    tokio::time::sleep(Duration::from_millis(2100)).await;
}

async fn pruning_keeps_what_is_wanted(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let releases = ["one", "two", "three"].map(sample_release);
    for release in &releases {
        publish(&publisher, release).await;
    }
    let [one, two, three] = &releases;
    let strange = layout::in_release(one.id(), &path("notes.txt"));
    put(&store, strange.as_str(), "from somebody else").await;
    put(&store, "blobs/readme", "from somebody else").await;
    put(&store, "menu.ipxe", "#!ipxe\necho somebody else's\n").await;
    age_past_the_second().await;

    let day = Retention::default().keep_last(1);
    let report = publisher.prune(&day, &Context::new()).await.unwrap();
    assert!(report.deleted.is_empty() && report.deleted_blobs.is_empty(), "{report}");

    let retention = without_grace().keep_last(2);
    let dry = publisher.prune(&retention.clone().dry_run(true), &Context::new()).await.unwrap();
    assert_eq!(dry.deleted, [*one.id()].into());
    assert_eq!(publisher.releases().await.unwrap().len(), 3, "nothing was deleted");
    let report = publisher.prune(&retention, &Context::new()).await.unwrap();
    assert_eq!(report.kept, ids([two, three]).into_iter().collect());
    assert_eq!((&report.deleted, &report.deleted_blobs), (&dry.deleted, &dry.deleted_blobs));
    assert_eq!(report.freed_bytes, dry.freed_bytes);
    // Two initrds of two profiles; the kernel and the entry points are those of all.
    assert_eq!(report.deleted_blobs.len(), 4);
    assert_eq!(publisher.releases().await.unwrap(), ids([two, three]).into_iter().collect());
    for kept in [strange.as_str(), "blobs/readme", "menu.ipxe"] {
        assert!(text(&store, &path(kept)).await.is_some(), "{kept} was deleted");
    }
    let mine = one.manifest().objects().into_keys().collect::<Vec<_>>();
    let kernel = layout::blob(&one.manifest().images()["worker"].kernel.sha256);
    assert_eq!(store.stat(&mine).await.unwrap().keys().collect::<Vec<_>>(), [&kernel]);

    let error = publisher.rollback(RollbackTo::Release(*one.id()), &Context::new()).await;
    assert!(matches!(error, Err(Error::NotStaged { .. })), "{error:?}");
    let again = publisher.prune(&retention, &Context::new()).await.unwrap();
    assert!(again.deleted.is_empty() && again.deleted_blobs.is_empty(), "{again}");
    delete(&store, &strange).await;
    delete(&store, &path("blobs/readme")).await;
    assert_clean(&publisher).await;
}

async fn pruning_spares_other_pointers_and_young_releases(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let canary = publisher.clone().with_pointer(PointerName::new("canary").unwrap());
    let [one, two, three] = ["one", "two", "three"].map(sample_release);
    publish(&canary, &one).await;
    publish(&publisher, &two).await;
    assert_eq!(canary.live().await.unwrap(), Some(*one.id()));
    assert_eq!(publisher.live().await.unwrap(), Some(*two.id()));
    age().await;
    publisher.stage(&three, &Context::new()).await.unwrap();

    let retention = without_grace().keep_last(0).grace(Duration::from_secs(60));
    let report = publisher.prune(&retention, &Context::new()).await.unwrap();
    assert_eq!(report.kept, ids([&one, &two, &three]).into_iter().collect());
    age().await;
    let report = publisher.prune(&without_grace().keep_last(0), &Context::new()).await.unwrap();
    assert_eq!(report.kept, ids([&one, &two]).into_iter().collect());
    assert_eq!(report.deleted, [*three.id()].into());
    assert_clean(&publisher).await;
    assert_clean(&canary).await;
}

async fn a_broken_off_pruning_is_completed(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two] = ["one", "two"].map(sample_release);
    publish(&publisher, &two).await;
    publisher.stage(&one, &Context::new()).await.unwrap();
    // As if pruning, or staging, had been killed on its way.
    let manifest = layout::in_release(one.id(), &layout::manifest());
    let json = store.read(&manifest).await.unwrap().unwrap().bytes;
    let incomplete = layout::in_release(one.id(), &path("incomplete.json"));
    store.swap(&incomplete, None, json).await.unwrap();
    delete(&store, &manifest).await;
    delete(&store, &layout::in_release(one.id(), &layout::boot_script())).await;
    let scope = VerifyScope::Everything;
    let report = publisher.verify(scope, VerifyDepth::Listing, &Context::new()).await.unwrap();
    assert_eq!(report.findings, [Finding::Incomplete { release: *one.id() }]);
    let error = publisher.activate(one.id(), &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::NotStaged { .. }), "{error:?}");

    let young = publisher.prune(&Retention::default(), &Context::new()).await.unwrap();
    assert!(young.kept.contains(one.id()), "it may be on its way still");
    age().await;
    let report = publisher.prune(&without_grace(), &Context::new()).await.unwrap();
    assert_eq!(report.deleted, [*one.id()].into());
    assert_clean(&publisher).await;
    publish(&publisher, &one).await;
    assert_clean(&publisher).await;
}

async fn cancelling_leaves_the_old_release_live(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two] = ["one", "two"].map(sample_release);
    publish(&publisher, &one).await;
    let token = CancellationToken::new();
    token.cancel();
    let cancelled = Context::new().with_cancellation(token);
    for result in [
        publisher.stage(&two, &cancelled).await.map(drop),
        publisher.publish(&two, &cancelled).await.map(drop),
        publisher.activate(one.id(), &cancelled).await.map(drop),
        publisher.prune(&without_grace(), &cancelled).await.map(drop),
        publisher.plan(&two, &cancelled).await.map(drop),
    ] {
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    }
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));
    assert_clean(&publisher).await;
}
