//! Several publishers and readers at once.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netboot_core::{Artifact, ArtifactKind, CancellationToken, Context, Event, Phase, layout};
use netboot_publish::{
    Error, LocalStore, Outcome, Publisher, Retention, RollbackTo, VerifyDepth, VerifyScope,
};
use tempfile::TempDir;
use tokio::sync::Barrier;

use crate::meeting::Meeting;
use crate::patience::{PATIENCE, until};
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
        assert!(won.as_ref().unwrap().order_guarded());
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
    let (reads, changes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let reader = {
        let (done, root) = (done.clone(), root.clone());
        let (reads, changes) = (reads.clone(), changes.clone());
        std::thread::spawn(move || {
            let mut before = site::boot(&root);
            while !done.load(Ordering::SeqCst) {
                let seen = site::boot(&root);
                reads.fetch_add(1, Ordering::SeqCst);
                changes.fetch_add(usize::from(seen != before), Ordering::SeqCst);
                before = seen;
            }
        })
    };
    let (mut swaps, mut round) = (0, 0);
    let seen = || (reads.load(Ordering::SeqCst), changes.load(Ordering::SeqCst));
    while swaps < 60 || seen().0 < 100 || seen().1 < 10 {
        assert!(!reader.is_finished(), "the reader failed");
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
    reader.join().expect("the reader saw only whole releases");
    println!("{} reads during {swaps} swaps saw {} changes", seen().0, seen().1);
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
    let begin = Instant::now();
    publisher(&root).publish(&release_of("first".to_owned()), &context).await.unwrap();
    // Far longer than a publish takes on this machine.
    let grace = Duration::from_secs(2) + begin.elapsed() * 20;
    let deleted = Arc::new(AtomicUsize::new(0));
    let pruning = {
        let (done, deleted, publisher) = (done.clone(), deleted.clone(), publisher(&root));
        tokio::spawn(async move {
            let retention = Retention::default().with_keep_last(1).with_grace(grace);
            let mut calls = 0;
            while !done.load(Ordering::SeqCst) {
                let report = publisher.prune(&retention, &Context::new()).await.unwrap();
                deleted.fetch_add(report.deleted.len(), Ordering::SeqCst);
                calls += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            calls
        })
    };
    let mut published = 0;
    let begin = Instant::now();
    while published < 50 || deleted.load(Ordering::SeqCst) < 40 {
        assert!(!pruning.is_finished(), "pruning failed");
        assert!(begin.elapsed() < PATIENCE, "pruning deletes nothing");
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
    let calls = pruning.await.unwrap();
    let deleted = deleted.load(Ordering::SeqCst);
    println!("{published} releases published, {deleted} deleted by {calls} prunings");
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
        // The copy waits for this test, so that it cannot end before.
        let (go, waiting) = std::sync::mpsc::channel::<()>();
        let waiting = Mutex::new(waiting);
        let context = {
            let sending = sending.clone();
            let events = move |event: Event| {
                if matches!(event, Event::Progress { phase: Phase::Staging, done, .. } if done > 0)
                {
                    sending.notify_one();
                    let _ = waiting.lock().unwrap().recv_timeout(PATIENCE);
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
            drop(go);
            assert!(publish.await.unwrap_err().is_cancelled());
        } else {
            token.cancel();
            drop(go);
            assert!(matches!(publish.await.unwrap(), Err(Error::Cancelled)));
            assert!(site::temporary_files(&root).is_empty());
        }
        // A thread that copies ends after its current chunk.
        until("the end of the copy", || site::temporary_files(&root).is_empty()).await;
        assert_eq!(site::boot(&root), *first.id());
        let manifest = layout::in_release(second.id(), &layout::manifest());
        assert!(!root.join(manifest.as_str()).exists());
    }
    publisher.publish(&second, &Context::new()).await.unwrap();
    assert_eq!(site::boot(&root), *second.id());
    site::assert_clean_without_links(&root).await;
}
