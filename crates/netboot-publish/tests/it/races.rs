//! Two publishers publish to one target at once while a machine boots from it.
//!
//! `NETBOOT_RACES` sets the number of races at each kind of target. The default is 5, and 10 with
//! `NETBOOT_LONG_TESTS`. Over ssh there are a fifth as many, because each takes seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use netboot_core::{ArtifactKind, Context, Release};
use netboot_publish::{Error, Outcome, Publisher, Receipt, Store, VerifyDepth, VerifyScope};
use tokio::sync::Barrier;

use crate::faults::{Kind, Reader, Target, count_from};
use crate::meeting::Meeting;
use crate::site;

fn release(name: &str, barrier: Option<&Arc<Barrier>>) -> Release {
    let kernel = site::bytes(ArtifactKind::Kernel, "bzImage", site::noise("kernel", 20_000));
    let initrd = site::bytes(ArtifactKind::Initrd, "initrd", site::noise(name, 20_000));
    let initrd = match barrier {
        Some(barrier) => {
            // A repeated upload waits for nobody.
            let patience = Some(Duration::from_secs(30));
            Arc::new(Meeting { artifact: initrd, barrier: barrier.clone(), patience })
        }
        None => initrd,
    };
    site::release_of("contest", kernel, initrd)
}

/// The separate stores of two publishers, and a reader.
async fn contestants(target: &Target, kind: Kind) -> ([Arc<dyn Store>; 2], Reader) {
    if kind == Kind::Memory {
        let store = target.place("site").store().await;
        return ([store.clone(), store.clone()], Reader::Store(store));
    }
    let stores = [target.place("site").store().await, target.place("site").store().await];
    (stores, target.reader("site").await)
}

#[derive(Debug, Default)]
struct Counts {
    wins: [usize; 2],
    both: usize,
    conflicts: usize,
    both_in_history: usize,
    lost: usize,
}

async fn race(kind: Kind, rounds: usize) {
    let target = Target::start(kind);
    let (stores, reader) = contestants(&target, kind).await;
    let [one, two] = stores.map(Publisher::from);
    let able = one.store().capabilities().compare_and_swap();
    assert_eq!(able, kind.compares_and_swaps(), "{kind:?}");
    one.publish(&release("first", None), &Context::new()).await.unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let reading = reader.clone().boot_until(stop.clone(), Duration::from_millis(5)).await;
    let (mut counts, begun) = (Counts::default(), Instant::now());
    for round in 0..rounds {
        let barrier = Arc::new(Barrier::new(2));
        let before = reader.live().await;
        let start = |publisher: &Publisher, name: &str| {
            let release = release(&format!("{name} {round}"), Some(&barrier));
            let publisher = publisher.clone();
            tokio::spawn(async move {
                let result = publisher.publish(&release, &Context::new()).await;
                (release, result)
            })
        };
        let contest = [start(&one, "one"), start(&two, "two")];
        let [first, second] = contest;
        let results = [first.await.unwrap(), second.await.unwrap()];
        let live = reader.live().await;
        let won: Vec<usize> = (0..2).filter(|which| results[*which].1.is_ok()).collect();
        for (release, result) in &results {
            check_result(result, able);
            // The releases of the winner and of the loser are whole.
            let scope = VerifyScope::Release(*release.id());
            let report = one.verify(scope, VerifyDepth::Content, &Context::new()).await.unwrap();
            assert!(report.is_clean(), "{kind:?} {round}: {report}");
        }
        let history = one.history().await.unwrap();
        let in_history =
            |release: &Release| history.iter().any(|entry| entry.release == *release.id());
        if able {
            assert_eq!(won.len(), 1, "{kind:?} {round}: {results:?}");
            let (winner, loser) = (&results[won[0]], &results[1 - won[0]]);
            assert_eq!(live, *winner.0.id(), "{kind:?} {round}");
            let conflict = matches!(&loser.1, Err(Error::Conflict { expected, found, .. })
                if *expected == Some(before) && *found == Some(live));
            assert!(conflict, "{kind:?} {round}: {:?}", loser.1);
            assert!(in_history(&winner.0) && !in_history(&loser.0));
            counts.wins[won[0]] += 1;
            counts.conflicts += 1;
        } else {
            // A publisher that read the pointer before the other was done believes that it won. The
            // last one won, and only the order was lost.
            assert!(!won.is_empty(), "{kind:?} {round}: {results:?}");
            let last = results.iter().position(|(release, _)| *release.id() == live);
            let last = last.unwrap_or_else(|| panic!("{kind:?} {round}: {live} is live"));
            counts.wins[last] += 1;
            counts.both += usize::from(won.len() == 2);
            counts.conflicts += 2 - won.len();
            assert!(in_history(&results[last].0), "{kind:?} {round}");
            let both = results.iter().all(|(release, _)| in_history(release));
            counts.both_in_history += usize::from(both);
            counts.lost += usize::from(!both && won.len() == 2);
        }
    }
    stop.store(true, Ordering::SeqCst);
    let seen = reading.await.unwrap();
    println!(
        "{kind:?}: {rounds} races in {:.1?}, won {:?}, {} conflicts, {} that both believed to have \
         won, {} with both in the history; a reader booted {} times, read {} objects, saw {} \
         changes, none torn",
        begun.elapsed(),
        counts.wins,
        counts.conflicts,
        counts.both,
        counts.both_in_history,
        seen.boots,
        seen.reads,
        seen.changes
    );
    assert!(seen.boots >= 1 && seen.changes >= 1, "{seen:?}");
    // Without compare-and-swap, a publisher that this machine delays between its look and its swap
    // may lose an activation. That is rare.
    assert!(counts.lost <= rounds.div_ceil(3), "{kind:?}: activations were lost: {counts:?}");
    // The release of the loser is staged and can go live.
    let loser = release("one 0", None);
    one.activate(loser.id(), &Context::new()).await.unwrap();
    assert_eq!(reader.boot().await.0, *loser.id());
}

/// A receipt says whether the order was guarded. The only failure is a conflict.
fn check_result(result: &Result<Receipt, Error>, able: bool) {
    match result {
        Ok(receipt) => {
            assert_eq!(receipt.outcome, Outcome::Activated);
            assert_eq!(receipt.order_guarded(), able);
            let says_it = receipt.to_string().contains("; without compare-and-swap");
            assert_eq!(says_it, !able, "{receipt}");
        }
        Err(Error::Conflict { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
}

fn rounds() -> usize {
    count_from("NETBOOT_RACES", 5, 10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_directory() {
    race(Kind::Local, rounds()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() {
    race(Kind::Memory, rounds()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_ministack() {
    race(Kind::Ministack, rounds()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_nanio() {
    race(Kind::Nanio, rounds()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_daemon() {
    race(Kind::Daemon, rounds()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_ssh() {
    race(Kind::Ssh, rounds().div_ceil(5)).await;
}
