//! Hints about releases and publishers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use netboot_core::{
    Artifact, ArtifactKind, ArtifactReader, BytesArtifact, CancellationToken, Content, Context,
    FileName, Release, Sha256Digest, layout,
};
use netboot_publish::contract::sample_release;
use netboot_publish::{
    ActivationPolicy, Capabilities, Error, FailedProof, MemoryStore, Outcome, Proof, Prover,
    Publisher, RollbackTo, Sites, StagedImage, Store, Verdict, VerifyDepth, VerifyScope,
};

use super::{assert_clean, hint, listening, path};
use crate::faulty::{Faults, Faulty};
use crate::site;
use crate::site_outcomes::outcomes;

fn releases() -> [Release; 2] {
    ["one", "two"].map(sample_release)
}

#[tokio::test]
async fn a_conflict_is_settled_by_whoever_is_still_wanted() {
    let [one, two] = releases();
    let (publisher, context) = (Publisher::new(MemoryStore::new()), Context::new());
    publisher.publish(&one, &context).await.unwrap();
    let error = publisher.publish_over(None, &two, &context).await.unwrap_err();
    hint(&error, "look at what is live now; if yours is still wanted, publish it again over that");
    let live = publisher.live().await.unwrap();
    assert_eq!(live, Some(*one.id()));
    publisher.publish_over(live, &two, &context).await.unwrap();
    // The other publisher was first while this one staged its release: it is there already.
    publisher.stage(&one, &context).await.unwrap();
    publisher.publish_over(Some(*one.id()), &one, &context).await.unwrap_err();
    let receipt = publisher.publish_over(Some(*two.id()), &one, &context).await.unwrap();
    assert_eq!(receipt.staged.unwrap().sent, 0);
    assert_clean(&publisher).await;
}

#[tokio::test]
async fn a_release_that_is_not_there_is_staged_or_published() {
    let [one, two] = releases();
    let (publisher, context) = (Publisher::new(MemoryStore::new()), Context::new());
    let error = publisher.activate(one.id(), &context).await.unwrap_err();
    hint(&error, "stage or publish the release first");
    publisher.stage(&one, &context).await.unwrap();
    publisher.activate(one.id(), &context).await.unwrap();

    let error = publisher.rollback(RollbackTo::Previous, &context).await.unwrap_err();
    hint(&error, "name a release that is still at the target, or publish one");
    publisher.stage(&two, &context).await.unwrap();
    publisher.rollback(RollbackTo::Release(*two.id()), &context).await.unwrap();
    assert_eq!(publisher.live().await.unwrap(), Some(*two.id()));
    // After it was published over another one, there is an earlier release.
    publisher.rollback(RollbackTo::Previous, &context).await.unwrap();
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));
}

/// An artifact that announces the content of another one.
#[derive(Debug)]
struct Announced {
    announced: Content,
    inner: BytesArtifact,
}

#[async_trait]
impl Artifact for Announced {
    fn kind(&self) -> ArtifactKind {
        self.inner.kind()
    }
    fn file_name(&self) -> &FileName {
        self.inner.file_name()
    }
    fn size(&self) -> u64 {
        self.announced.size
    }
    fn sha256(&self) -> Sha256Digest {
        self.announced.sha256
    }
    async fn open(&self) -> Result<ArtifactReader, netboot_core::Error> {
        self.inner.open().await
    }
}

#[tokio::test]
async fn an_artifact_that_changed_is_built_and_published_again() {
    let initrd = |bytes: &'static [u8]| {
        let name = FileName::new("initrd").unwrap();
        BytesArtifact::new(ArtifactKind::Initrd, name, Bytes::from_static(bytes)).unwrap()
    };
    let kernel = || site::bytes(ArtifactKind::Kernel, "bzImage", "a kernel");
    let announced = Content { size: 5, sha256: Sha256Digest::of(b"right") };
    let lying = Announced { announced, inner: initrd(b"wrong") };
    let release = site::release_of("one", kernel(), Arc::new(lying));
    let (publisher, context) = (Publisher::new(MemoryStore::new()), Context::new());
    let error = publisher.publish(&release, &context).await.unwrap_err();
    hint(&error, "build and publish again");
    let again = site::release_of("one", kernel(), Arc::new(initrd(b"wrong")));
    publisher.publish(&again, &context).await.unwrap();
    // The release that failed is incomplete.
    let scope = VerifyScope::Release(*again.id());
    let report = publisher.verify(scope, VerifyDepth::Content, &context).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn a_pointer_that_somebody_edited_is_restored_or_deleted() {
    let [one, two] = releases();
    let store = MemoryStore::new();
    let (publisher, context) = (Publisher::new(store.clone()), Context::new());
    publisher.publish(&one, &context).await.unwrap();
    let pointer = layout::pointer(publisher.pointer());
    let sound = store.read(&pointer).await.unwrap().unwrap();
    let edited = String::from_utf8(sound.bytes.to_vec()).unwrap() + "# netboot edited\n";
    let edit = async || {
        let there = store.read(&pointer).await.unwrap().map(|there| there.version);
        store.swap(&pointer, there.as_ref(), edited.clone().into()).await.unwrap();
        let error = publisher.publish(&two, &context).await.unwrap_err();
        hint(&error, "restore `current.ipxe`, or delete it and activate the release that should be")
    };
    edit().await;
    let there = store.read(&pointer).await.unwrap().unwrap().version;
    store.swap(&pointer, Some(&there), sound.bytes.clone()).await.unwrap();
    publisher.publish(&two, &context).await.unwrap();
    edit().await;
    store.delete(std::slice::from_ref(&pointer), &context).await.unwrap();
    publisher.activate(one.id(), &context).await.unwrap();
    assert_clean(&publisher).await;
}

#[tokio::test]
async fn a_target_without_links_is_published_to_without_them() {
    let (release, context) = (sample_release("one"), Context::new());
    let store = MemoryStore::new().with_capabilities(Capabilities::all().with_links(false));
    let publisher = Publisher::new(store.clone());
    let error =
        publisher.clone().with_legacy_links(true).publish(&release, &context).await.unwrap_err();
    hint(&error, "publish without the links of the old layout, and use `<profile>/netboot.ipxe`");
    publisher.publish(&release, &context).await.unwrap();
    let script = store.read(&path("worker/netboot.ipxe")).await.unwrap().unwrap().bytes;
    assert!(script.starts_with(b"#!ipxe\n"), "{script:?}");
}

/// Gives the verdict on an image.
type Answer = fn() -> Verdict;

/// Answers for every image as it was told.
#[derive(Debug)]
struct Told {
    tries: bool,
    verdict: Answer,
}

#[async_trait]
impl Prover for Told {
    fn tries(&self, _: &StagedImage) -> bool {
        self.tries
    }

    async fn prove(&self, _: &StagedImage, _: &Context) -> Result<Verdict, Error> {
        Ok((self.verdict)())
    }
}

#[tokio::test]
async fn what_did_not_come_up_is_staged_and_its_console_says_why() {
    let [one, two] = releases();
    let (publisher, context) = (Publisher::new(MemoryStore::new()), Context::new());
    publisher.publish(&one, &context).await.unwrap();
    let came_up: Answer = || Verdict::CameUp(Proof::new("login:", ""));
    let prove = async |tries, verdict| {
        publisher.publish_proven(&two, &Told { tries, verdict }, &context).await
    };
    let failed: [(Answer, &str); 2] = [
        (
            || Verdict::Failed(FailedProof::new("no login", "[ 1.0] Kernel panic: no init\n")),
            "read the console to see why it did not come up; the release stays staged, and the",
        ),
        (
            || {
                let failed = FailedProof::new("no login", "[ 1.0] Kernel panic: no init\n");
                Verdict::Failed(failed.with_hint(Some("give it an init".to_owned())))
            },
            "give it an init; the release stays staged, and the live one was not touched",
        ),
    ];
    for (verdict, expected) in failed {
        let error = prove(true, verdict).await.unwrap_err();
        hint(&error, expected);
        assert!(error.to_string().contains("Kernel panic: no init"), "{error}");
        assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));
        assert!(publisher.releases().await.unwrap().contains(two.id()));
    }
    let error = prove(false, came_up).await.unwrap_err();
    hint(&error, "let the prover try a profile of this release, or activate the release unproven");
    prove(true, came_up).await.unwrap();
    assert_eq!(publisher.live().await.unwrap(), Some(*two.id()));
    publisher.activate(one.id(), &context).await.unwrap();
}

#[tokio::test]
async fn a_publisher_that_lost_the_lock_tries_again() {
    let faults = Faults { lock_lost: CancellationToken::new(), ..Faults::default() };
    let losing = Faulty::new(faults.clone());
    let sound = Faulty { inner: losing.inner.clone(), faults: Faults::default() };
    faults.lock_lost.cancel();
    let (release, context) = (sample_release("one"), Context::new());
    let error = Publisher::new(losing).publish(&release, &context).await.unwrap_err();
    hint(&error, "try again; if it happens again, find out why the target answers so slowly");
    let again = Publisher::new(sound);
    again.publish(&release, &context).await.unwrap();
    assert_clean(&again).await;
}

#[tokio::test]
async fn a_release_that_is_live_at_one_site_only_is_rolled_back_or_published_again() {
    let [one, two] = releases();
    for publishes_again in [true, false] {
        let (stuck, broken) = (Faults::default(), Faults::default());
        let stores = [Faulty::new(stuck.clone()), Faulty::new(broken.clone())];
        let sites = ["nagoya", "osaka"].into_iter().zip(&stores);
        let sites = sites.fold(Sites::builder(), |builder, (name, store)| {
            builder.site(name, Publisher::new(store.clone()))
        });
        let sites = sites.policy(ActivationPolicy::AllOrNone).build().unwrap();
        let context = Context::new();
        sites.publish(&one, &context).await.ensure_live_everywhere().unwrap();
        broken.swap_fails.store(true, Ordering::SeqCst);
        // One more swap works, and the one of the rollback fails.
        stuck.swaps.store(1, Ordering::SeqCst);
        stuck.swap_fails.store(true, Ordering::SeqCst);
        let report = sites.publish(&two, &context).await;
        assert_eq!(outcomes(&report), ["not rolled back", "failed"], "{report}");
        let error = report.ensure_live_everywhere().unwrap_err();
        hint(
            &error,
            "nagoya: the release may be live at this target only: check, then roll it back",
        );
        for faults in [&stuck, &broken] {
            faults.swap_fails.store(false, Ordering::SeqCst);
        }
        let [nagoya, osaka] = stores.map(Publisher::new);
        assert_eq!(nagoya.live().await.unwrap(), Some(*two.id()));
        if publishes_again {
            sites.publish(&two, &context).await.ensure_live_everywhere().unwrap();
        } else {
            nagoya.rollback(RollbackTo::Previous, &context).await.unwrap();
        }
        assert_eq!(nagoya.live().await.unwrap(), osaka.live().await.unwrap());
    }
}

/// A store that cannot compare and swap, where another publisher goes live at the same moment.
#[derive(Debug)]
struct Overtaken {
    inner: MemoryStore,
    by: Bytes,
    swaps: AtomicUsize,
}

impl std::fmt::Display for Overtaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl netboot_publish::StoreLayer for Overtaken {
    fn inner(&self) -> &dyn Store {
        &self.inner
    }

    async fn swap(
        &self,
        path: &netboot_core::ReleasePath,
        expected: Option<&netboot_publish::Version>,
        content: Bytes,
    ) -> Result<netboot_publish::Swap, Error> {
        let done = self.inner.swap(path, expected, content).await?;
        let is_pointer = path.as_str() == "current.ipxe";
        if is_pointer && self.swaps.fetch_add(1, Ordering::SeqCst) == 0 {
            self.inner.swap(path, None, self.by.clone()).await?;
        }
        Ok(done)
    }
}

#[tokio::test]
async fn one_publisher_at_a_time_loses_no_activation() {
    let [one, two] = releases();
    let without = || MemoryStore::new().with_capabilities(Capabilities::none());
    // The pointer of a publisher who goes live with the other release at the same moment.
    let other = Publisher::new(without());
    other.publish(&two, &Context::new()).await.unwrap();
    let by = other.store().read(&path("current.ipxe")).await.unwrap().unwrap().bytes;

    let inner = without();
    let overtaken = Overtaken { inner: inner.clone(), by, swaps: AtomicUsize::new(0) };
    let publisher = Publisher::new(overtaken);
    publisher.stage(&two, &Context::new()).await.unwrap();
    let (context, warnings) = listening();
    publisher.publish(&one, &context).await.unwrap();
    let told = warnings.lock().unwrap().clone();
    let has = |text: &str| told.iter().any(|(_, hint)| hint == text);
    assert!(has("run only one publisher at a time on this target"), "{told:?}");
    assert!(has("activate the release that you want to be live"), "{told:?}");
    assert_eq!(publisher.live().await.unwrap(), Some(*two.id()));
    // The hints: one at a time, and the release that is wanted.
    let alone = Publisher::new(inner);
    let receipt = alone.activate(one.id(), &context).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Activated);
    assert_eq!(alone.live().await.unwrap(), Some(*one.id()));
    alone.publish(&two, &context).await.unwrap();
    let history: Vec<_> =
        alone.history().await.unwrap().into_iter().map(|entry| entry.release).take(2).collect();
    assert_eq!(history, [*two.id(), *one.id()]);
}
