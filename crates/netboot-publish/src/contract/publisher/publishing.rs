//! Checks of what publishing and staging send and leave unchanged.

use netboot_core::{CancellationToken, Context, Manifest, layout};

use crate::contract::publisher::fixture::{
    Make, artifact_of, assert_clean, path, publish, publisher, text,
};
use crate::contract::sample::{release_of, sample_image, sample_release, small_release};
use crate::error::Error;
use crate::publisher::prune::retention::Retention;
use crate::receipt::Outcome;

pub(crate) async fn publishing_makes_a_release_live(make: Make<'_>) {
    let (store, release) = (make(), sample_release("one"));
    let publisher = publisher(&store);
    assert_eq!(publisher.live().await.unwrap(), None);
    assert!(publisher.history().await.unwrap().is_empty());

    let plan = publisher.plan(&release, &Context::new()).await.unwrap();
    assert!(!plan.staged && plan.foreign.is_empty());
    let receipt = publisher.publish(&release, &Context::new()).await.unwrap();
    assert_eq!((receipt.outcome, receipt.previous), (Outcome::Activated, None));
    assert_eq!(receipt.without, store.missing_features());
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

pub(crate) async fn publishing_again_changes_nothing(make: Make<'_>) {
    let (store, release) = (make(), small_release("one"));
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

pub(crate) async fn what_is_there_is_not_sent_again(make: Make<'_>) {
    let (store, one, two) = (make(), sample_release("one"), sample_release("two"));
    let publisher = publisher(&store);
    publish(&publisher, &one).await;
    let shared: Vec<_> = one.manifest().objects().into_keys().collect();
    let before = store.stat(&shared).await.unwrap();
    let receipt = publisher.publish(&two, &Context::new()).await.unwrap();
    let staged = receipt.staged.unwrap();
    // The target had the kernel, a store path and the texts of the three entry points.
    assert_eq!(staged.present, 5);
    assert!(receipt.entry_points.is_empty(), "entry points are the same for every release");
    assert_eq!(store.stat(&shared).await.unwrap(), before);
    let (objects, logs) = (two.manifest().objects().len(), two.logs().len());
    assert_eq!(staged.sent + staged.present, objects + logs + 3);
}

pub(crate) async fn staging_changes_nothing_that_machines_boot(make: Make<'_>) {
    let (store, one, two) = (make(), small_release("one"), small_release("two"));
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

    // The first release that goes live may have been staged only.
    let store = make();
    let publisher = self::publisher(&store);
    publisher.stage(&one, &Context::new()).await.unwrap();
    assert!(text(&store, &path("boot.ipxe")).await.is_none());
    publisher.activate(one.id(), &Context::new()).await.unwrap();
    assert!(text(&store, &path("boot.ipxe")).await.is_some());
    assert_clean(&publisher).await;
}

pub(crate) async fn the_origin_of_a_release_stays(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [first, second] = ["first", "second"].map(|builder| {
        let image = sample_image("worker", "one");
        let mut manifest = image.manifest();
        builder.clone_into(&mut manifest.provenance.builder);
        let image = netboot_core::Image::from_manifest(image.profile(), &manifest, |_, record| {
            artifact_of(&image, record.sha256)
        });
        release_of([image.unwrap()])
    });
    assert_eq!(first.id(), second.id());
    publish(&publisher, &first).await;
    let receipt = publisher.publish(&second, &Context::new()).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Unchanged);
    publisher.stage(&second, &Context::new()).await.unwrap();
    let manifest = layout::in_release(first.id(), &layout::manifest());
    assert!(text(&store, &manifest).await.unwrap().contains("\"first\""));
    assert_clean(&publisher).await;
}

pub(crate) async fn cancelling_leaves_the_old_release_live(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two] = ["one", "two"].map(small_release);
    publish(&publisher, &one).await;
    let token = CancellationToken::new();
    token.cancel();
    let cancelled = Context::new().with_cancellation(token);
    for result in [
        publisher.stage(&two, &cancelled).await.map(drop),
        publisher.publish(&two, &cancelled).await.map(drop),
        publisher.activate(one.id(), &cancelled).await.map(drop),
        publisher.prune(&Retention::default(), &cancelled).await.map(drop),
        publisher.plan(&two, &cancelled).await.map(drop),
    ] {
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    }
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));
    assert_clean(&publisher).await;
}
