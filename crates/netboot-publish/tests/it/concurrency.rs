//! Several publishers and readers at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use netboot_core::{Artifact, ArtifactKind, CancellationToken, Context, Event, Phase, layout};
use netboot_publish::{
    Error, LocalStore, Outcome, Publisher, Retention, RollbackTo, VerifyDepth, VerifyScope,
};
use tempfile::TempDir;
use tokio::sync::Barrier;

use crate::meeting::Meeting;
use crate::site;

fn publisher(root: &Path) -> Publisher {
    Publisher::new(LocalStore::new(root))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_publishers_at_once_one_wins_and_both_releases_are_whole() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("published");
    let context = Context::new();
    let kernel = site::bytes(ArtifactKind::Kernel, "bzImage", "a kernel");
    let first = site::release_of("first", kernel.clone(), kernel_as_initrd("first"));
    publisher(&root).publish(&first, &context).await.unwrap();
    let mut wins = [0, 0];
    for round in 0..50 {
        let barrier = Arc::new(Barrier::new(2));
        let live = publisher(&root).live().await.unwrap();
        let start = |name: &str| {
            let generation = format!("{name} {round}");
            let artifact = kernel_as_initrd(&generation);
            let initrd = Arc::new(Meeting { artifact, barrier: barrier.clone(), patience: None });
            let release = site::release_of("contest", kernel.clone(), initrd);
            let publisher = publisher(&root);
            tokio::spawn(async move {
                let result = publisher.publish(&release, &Context::new()).await;
                (*release.id(), result)
            })
        };
        let contests = [start("one"), start("two")];
        let [one, two] = contests;
        let results = [one.await.unwrap(), two.await.unwrap()];
        let winner = results.iter().position(|(_, result)| result.is_ok()).expect("one wins");
        wins[winner] += 1;
        let (winner_id, won) = &results[winner];
        let (loser_id, lost) = &results[1 - winner];
        assert_eq!(won.as_ref().unwrap().outcome, Outcome::Activated);
        assert!(won.as_ref().unwrap().order_guarded);
        let error = lost.as_ref().unwrap_err();
        assert!(
            matches!(error, Error::Conflict { expected, found, .. }
                if *expected == live && *found == Some(*winner_id)),
            "{error:?}"
        );
        assert_eq!(site::boot(&root), *winner_id);
        for id in [winner_id, loser_id] {
            let scope = VerifyScope::Release(*id);
            let report =
                publisher(&root).verify(scope, VerifyDepth::Content, &context).await.unwrap();
            assert!(report.is_clean(), "{report}");
        }
    }
    println!("of 50 races the publishers won {wins:?}");
    assert_eq!(publisher(&root).history().await.unwrap().len(), 51);
    site::assert_clean_without_links(&root).await;
}

fn kernel_as_initrd(generation: &str) -> Arc<dyn Artifact> {
    site::bytes(ArtifactKind::Initrd, "initrd", site::noise(generation, 10_000))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_publish_the_same_release_both_succeed() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("published");
    let release = site::release(work.path(), "same", 100_000).await;
    for _ in 0..5 {
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (publisher, release) = (publisher(&root), release.clone());
                tokio::spawn(async move { publisher.publish(&release, &Context::new()).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap().release, *release.id());
        }
    }
    assert_eq!(publisher(&root).history().await.unwrap().len(), 1);
    site::assert_clean_without_links(&root).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_never_sees_a_torn_release() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("published");
    let context = Context::new();
    let publisher = publisher(&root);
    let mut releases = Vec::new();
    for generation in ["one", "two", "three"] {
        releases.push(site::release(work.path(), generation, 200_000).await);
    }
    publisher.publish(&releases[0], &context).await.unwrap();

    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (done, root) = (done.clone(), root.clone());
        std::thread::spawn(move || {
            let mut seen = Vec::new();
            while !done.load(Ordering::SeqCst) {
                seen.push(site::boot(&root));
            }
            seen
        })
    };
    let started = Instant::now();
    let (mut swaps, mut round) = (0, 0);
    while swaps < 60 || started.elapsed() < Duration::from_secs(3) {
        round += 1;
        let receipt = if round % 3 == 0 {
            publisher.rollback(RollbackTo::Previous, &context).await.unwrap()
        } else {
            publisher.publish(&releases[round % 3], &context).await.unwrap()
        };
        swaps += usize::from(receipt.outcome != Outcome::Unchanged);
        let retention = Retention::default().with_keep_last(3).with_grace(Duration::from_secs(60));
        publisher.prune(&retention, &context).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let seen = reader.join().expect("the reader saw only whole releases");
    let changes = seen.windows(2).filter(|pair| pair[0] != pair[1]).count();
    println!("{} reads during {swaps} swaps saw {changes} changes", seen.len());
    assert!(seen.len() >= 100 && changes >= 10, "{} reads, {changes} changes", seen.len());
    site::assert_clean_without_links(&root).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruning_takes_nothing_from_those_who_publish() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("published");
    let context = Context::new();
    let done = Arc::new(AtomicBool::new(false));
    let kernel = site::bytes(ArtifactKind::Kernel, "bzImage", site::noise("kernel", 50_000));
    let release_of = move |generation: String| {
        site::release_of(&generation, kernel.clone(), kernel_as_initrd(&generation))
    };
    publisher(&root).publish(&release_of("first".to_owned()), &context).await.unwrap();
    let pruning = {
        let (done, publisher) = (done.clone(), publisher(&root));
        tokio::spawn(async move {
            let retention =
                Retention::default().with_keep_last(1).with_grace(Duration::from_millis(2500));
            let (mut calls, mut deleted) = (0, 0);
            while !done.load(Ordering::SeqCst) {
                let report = publisher.prune(&retention, &Context::new()).await.unwrap();
                deleted += report.deleted.len();
                calls += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            (calls, deleted)
        })
    };
    let started = Instant::now();
    let mut published = 0;
    while published < 50 || started.elapsed() < Duration::from_secs(9) {
        // Half of the releases come back again and again, some of them at the moment of their
        // deletion. The others never come back, so there is always something to delete.
        let release = if published % 2 == 0 {
            release_of(format!("generation-{}", published / 2 % 40))
        } else {
            release_of(format!("only-once-{published}"))
        };
        publisher(&root).publish(&release, &context).await.unwrap();
        assert_eq!(site::boot(&root), *release.id());
        published += 1;
    }
    done.store(true, Ordering::SeqCst);
    let (calls, deleted) = pruning.await.unwrap();
    println!("{published} releases published, {deleted} deleted by {calls} prunings");
    assert!(published >= 20 && deleted >= 5, "{published} published, {deleted} deleted");
    site::assert_clean_without_links(&root).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruning_without_any_grace_never_tears_the_live_release() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("published");
    let context = Context::new();
    let done = Arc::new(AtomicBool::new(false));
    let kernel = site::bytes(ArtifactKind::Kernel, "bzImage", site::noise("kernel", 50_000));
    let pruning = {
        let (done, publisher) = (done.clone(), publisher(&root));
        tokio::spawn(async move {
            let retention = Retention::default().with_keep_last(1).with_grace(Duration::ZERO);
            while !done.load(Ordering::SeqCst) {
                publisher.prune(&retention, &Context::new()).await.unwrap();
            }
        })
    };
    let mut outpaced = 0;
    for round in 0..60 {
        let generation = format!("generation-{round}");
        let release = site::release_of(&generation, kernel.clone(), kernel_as_initrd(&generation));
        match publisher(&root).publish(&release, &context).await {
            Ok(_) => assert_eq!(site::boot(&root), *release.id()),
            // Pruning deleted the objects of this publisher three times. Such a short grace time is
            // a mistake, but the live release stays whole.
            Err(Error::NotWhole { .. } | Error::NotStaged { .. }) => outpaced += 1,
            Err(error) => panic!("{error:?}"),
        }
        if publisher(&root).live().await.unwrap().is_some() {
            site::boot(&root);
        }
    }
    done.store(true, Ordering::SeqCst);
    pruning.await.unwrap();
    println!("pruning was faster {outpaced} times of 60");
    let scope = VerifyScope::Live;
    let report = publisher(&root).verify(scope, VerifyDepth::Content, &context).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_that_is_cancelled_or_dropped_leaves_nothing_half_written() {
    let work = TempDir::new().unwrap();
    let root = work.path().join("published");
    let first = site::release(work.path(), "first", 1000).await;
    let second = site::release(work.path(), "second", 40_000_000).await;
    let publisher = publisher(&root);
    publisher.publish(&first, &Context::new()).await.unwrap();

    for dropped in [false, true] {
        let token = CancellationToken::new();
        let sending = Arc::new(tokio::sync::Notify::new());
        let context = {
            let sending = sending.clone();
            let events = move |event: Event| {
                if matches!(event, Event::Progress { phase: Phase::Staging, done, .. } if done > 0)
                {
                    sending.notify_one();
                }
            };
            Context::new().with_events(events).with_cancellation(token.clone())
        };
        let publish = {
            let (publisher, second) = (publisher.clone(), second.clone());
            tokio::spawn(async move { publisher.publish(&second, &context).await })
        };
        sending.notified().await;
        if dropped {
            publish.abort();
            assert!(publish.await.unwrap_err().is_cancelled());
        } else {
            token.cancel();
            assert!(matches!(publish.await.unwrap(), Err(Error::Cancelled)));
            assert!(site::temporary_files(&root).is_empty());
        }
        // A thread that copies ends after its current chunk.
        let deadline = Instant::now() + Duration::from_secs(20);
        while !site::temporary_files(&root).is_empty() {
            assert!(Instant::now() < deadline, "a copy still runs");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(site::boot(&root), *first.id());
        let manifest = layout::in_release(second.id(), &layout::manifest());
        assert!(!root.join(manifest.as_str()).exists());
    }
    publisher.publish(&second, &Context::new()).await.unwrap();
    assert_eq!(site::boot(&root), *second.id());
    site::assert_clean_without_links(&root).await;
}
