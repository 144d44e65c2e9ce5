//! Bad networks with rsync: each publish gives a whole release or a typed error, and the next
//! publish completes the release.
//!
//! `NETBOOT_FAULTS` says at how many bytes of a publish each fault happens.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netboot_core::{Context, Release};
use netboot_publish::{Error, Publisher, RsyncFailureKind, VerifyDepth};
use netboot_testbed::{Chunk, Direction, FaultProxy, StreamFault};

use crate::faults::{IMPATIENCE, Kind, Outcomes, Place, Target, count_from, processes_of};
use crate::patience::{soon, until};
use crate::site;

/// A fault after a number of bytes.
#[derive(Debug, Clone, Copy)]
struct Plan {
    direction: Direction,
    from: u64,
    bytes: u64,
    fault: Fault,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Cut,
    Flip,
    Delay(Duration),
}

impl Plan {
    fn of(&self, chunk: &Chunk<'_>) -> StreamFault {
        match (chunk.position_of(self.direction, self.from + self.bytes), self.fault) {
            (None, _) => StreamFault::None,
            (Some(after), Fault::Cut) => StreamFault::Cut { after },
            (Some(at), Fault::Flip) => StreamFault::Flip { at },
            (Some(_), Fault::Delay(time)) => StreamFault::Delay(time),
        }
    }
}

async fn release(target: &Target, number: u64) -> Release {
    let generation = format!("generation-{number}");
    site::release_of_sizes(&target.sources(), &generation, 30_000, 100_000).await
}

async fn check(kind: Kind, points: u64, faults: &[(&str, Fault)], depth: VerifyDepth) {
    let target = Target::start(kind);
    let plan: Arc<Mutex<Option<Plan>>> = Arc::default();
    let proxy = {
        let plan = plan.clone();
        FaultProxy::stream(target.address(), move |chunk| {
            plan.lock().unwrap().map_or(StreamFault::None, |plan| plan.of(chunk))
        })
    };
    let direct = Publisher::from(target.place("site").store().await);
    let direct = direct.with_verification(VerifyDepth::Content);
    let place = target.place_behind(&proxy, "site");
    let patient = Publisher::from(place.store().await).with_verification(depth);
    let place = Place { timeout: IMPATIENCE, ..place };
    let through = Publisher::from(place.store().await).with_verification(depth);
    let reader = target.reader("site").await;
    let mut live = release(&target, 0).await;
    patient.publish(&live, &Context::new()).await.unwrap();
    let (before, connections) = (proxy.bytes(), proxy.connections());
    live = release(&target, 1).await;
    patient.publish(&live, &Context::new()).await.unwrap();
    let usual = (proxy.bytes().0 - before.0, proxy.bytes().1 - before.1);
    println!("{kind:?}: {usual:?} bytes in {} connections", proxy.connections() - connections);

    let (mut number, begun) = (1, Instant::now());
    for (name, fault) in faults {
        let (mut outcomes, happened) = (Outcomes::default(), proxy.faults());
        for (direction, usual) in [(Direction::ToServer, usual.0), (Direction::ToClient, usual.1)] {
            for point in 0..points {
                number += 1;
                let next = release(&target, number).await;
                let from = match direction {
                    Direction::ToServer => proxy.bytes().0,
                    Direction::ToClient => proxy.bytes().1,
                };
                let bytes = usual * (2 * point + 1) / (2 * points);
                *plan.lock().unwrap() = Some(Plan { direction, from, bytes, fault: *fault });
                let result = through.publish(&next, &Context::new()).await;
                *plan.lock().unwrap() = None;
                let what = format!("{kind:?}: {name} {direction:?} at byte {bytes} of {usual}");
                outcomes.check(result, &direct, &reader, live.id(), &next, &what).await;
                live = next;
            }
        }
        println!(
            "{kind:?}, {depth:?}: {name}: {} of {} whole, errors {:?} (live all the same {}), {} \
             faults; {:.1?}",
            outcomes.succeeded,
            outcomes.total(),
            outcomes.failed,
            outcomes.live_all_the_same,
            proxy.faults() - happened,
            begun.elapsed()
        );
        assert!((proxy.faults() - happened) * 2 >= 2 * points, "too few faults happened");
    }
    drop((direct, patient, through));
    // Killed processes end within a moment.
    until("the end of all processes", || processes_of(&target.temporary()).is_empty()).await;
}

fn points(sample: usize, whole: usize) -> u64 {
    count_from("NETBOOT_FAULTS", sample, whole) as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_to_a_daemon_that_is_cut_or_slow() {
    let slow = Fault::Delay(Duration::from_millis(500));
    let faults = [("cut", Fault::Cut), ("delayed", slow)];
    check(Kind::Daemon, points(1, 2), &faults, VerifyDepth::Listing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_to_a_daemon_that_flips_bits() {
    let faults = [("flipped", Fault::Flip)];
    check(Kind::Daemon, points(1, 2), &faults, VerifyDepth::Content).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_by_ssh_that_is_cut_or_flips_bits() {
    let faults = [("cut", Fault::Cut), ("flipped", Fault::Flip)];
    check(Kind::Ssh, points(1, 1), &faults, VerifyDepth::Listing).await;
}

/// No data arrives for longer than the store's timeout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_falls_silent_is_given_up() {
    let target = Target::start(Kind::Daemon);
    let silent = Arc::new(Mutex::new(false));
    let proxy = {
        let silent = silent.clone();
        FaultProxy::stream(target.address(), move |_| {
            let silent = *silent.lock().unwrap();
            if silent { StreamFault::Delay(Duration::from_secs(4)) } else { StreamFault::None }
        })
    };
    let place = target.place_behind(&proxy, "site");
    let store = netboot_publish::RsyncStore::builder(place.rsync().target().clone())
        .timeout(Duration::from_secs(2))
        .connect_timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    let through = Publisher::new(store);
    let first = release(&target, 0).await;
    Publisher::new(place.rsync()).publish(&first, &Context::new()).await.unwrap();
    *silent.lock().unwrap() = true;
    let next = release(&target, 1).await;
    let error = soon(through.publish(&next, &Context::new())).await.unwrap_err();
    let Error::Rsync { source } = &error else { panic!("{error:?}") };
    let kinds = [RsyncFailureKind::TimedOut, RsyncFailureKind::ConnectionTimedOut];
    assert!(kinds.contains(&source.kind()), "{error:?}");
    let direct = Publisher::from(target.place("site").store().await);
    let reader = target.reader("site").await;
    let mut outcomes = Outcomes::default();
    outcomes.check(Err(error), &direct, &reader, first.id(), &next, "silent").await;
}
