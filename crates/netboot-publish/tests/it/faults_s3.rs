//! Bad networks and servers with S3: each publish gives a whole release or a typed error, and the
//! next publish completes the release.
//!
//! `NETBOOT_FAULTS` says at how many requests of a publish each fault happens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use netboot_core::{Context, Release};
use netboot_publish::{Error, Publisher, S3Failure, VerifyDepth};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, Moment};

use crate::faults::{Kind, Outcomes, Target, count_from, name_of};
use crate::patience::PATIENCE;
use crate::site;

type Rule = Box<dyn Fn(u64, &HttpRequest, Moment) -> HttpFault + Send>;

/// The behaviour of the proxy. Tests change it between publishes; each change restarts the count of
/// requests.
struct Plan {
    rule: Mutex<Rule>,
    begin: AtomicU64,
    last: AtomicU64,
    /// The requests since the last change.
    seen: Mutex<Vec<HttpRequest>>,
}

impl Plan {
    fn proxy(target: &Target) -> (Arc<Self>, FaultProxy) {
        let rule: Rule = Box::new(|_, _, _| HttpFault::None);
        let plan = Arc::new(Self {
            rule: rule.into(),
            begin: 0.into(),
            last: 0.into(),
            seen: Mutex::default(),
        });
        let asked = plan.clone();
        let proxy = FaultProxy::http(target.address(), move |request, moment| {
            asked.last.fetch_max(request.number, Ordering::SeqCst);
            if moment == Moment::Asked {
                asked.seen.lock().unwrap().push(request.clone());
            }
            let number = request.number.saturating_sub(asked.begin.load(Ordering::SeqCst));
            asked.rule.lock().unwrap()(number, request, moment)
        });
        (plan, proxy)
    }

    fn set(&self, rule: impl Fn(u64, &HttpRequest, Moment) -> HttpFault + Send + 'static) {
        let mut current = self.rule.lock().unwrap();
        self.begin.store(self.last.load(Ordering::SeqCst), Ordering::SeqCst);
        self.seen.lock().unwrap().clear();
        *current = Box::new(rule);
    }

    fn requests(&self) -> u64 {
        self.last.load(Ordering::SeqCst) - self.begin.load(Ordering::SeqCst)
    }
}

/// Every second initrd is sent in two parts.
async fn release(target: &Target, number: u64) -> Release {
    let initrd = if number.is_multiple_of(2) { 5_400_000 } else { 50_000 };
    let generation = format!("generation-{number}");
    site::release_of_sizes(&target.sources(), &generation, 50_000, initrd).await
}

/// The fault of one request and its answer.
fn single_faults() -> Vec<(&'static str, Moment, HttpFault)> {
    let answer = |status: &str, headers: &str| HttpFault::Answer {
        status: status.to_owned(),
        headers: headers.to_owned(),
    };
    let busy = || answer("503 Slow Down", "Retry-After: 1\r\n");
    vec![
        ("cut before it is asked", Moment::Asked, HttpFault::Cut { after: 0 }),
        ("cut in its body", Moment::Asked, HttpFault::Cut { after: 700 }),
        ("answer lost", Moment::Answered, HttpFault::Cut { after: 0 }),
        ("cut in the answer", Moment::Answered, HttpFault::Cut { after: 20 }),
        ("500", Moment::Asked, answer("500 Internal Server Error", "")),
        ("500 although it was done", Moment::Answered, answer("500 Internal Server Error", "")),
        ("503 with Retry-After", Moment::Asked, busy()),
        ("503 although it was done", Moment::Answered, busy()),
        ("flipped in its body", Moment::Asked, HttpFault::Flip { at: 30 }),
        ("flipped in the answer", Moment::Answered, HttpFault::Flip { at: 150 }),
        ("delayed", Moment::Answered, HttpFault::Delay(Duration::from_millis(300))),
        ("another ETag", Moment::Answered, HttpFault::Etag("\"0123\"".to_owned())),
    ]
}

/// Returns true if the fault is possible for this request or its answer.
fn can_happen(request: &HttpRequest, moment: Moment, fault: &HttpFault) -> bool {
    match (moment, fault) {
        (Moment::Asked, HttpFault::Cut { after: at } | HttpFault::Flip { at }) => {
            *at == 0 || request.length > *at
        }
        (Moment::Answered, HttpFault::Cut { after: 0 }) => true,
        (Moment::Answered, HttpFault::Cut { .. } | HttpFault::Flip { .. }) => {
            request.method == "GET"
        }
        (_, HttpFault::Etag(_)) => request.method == "PUT",
        _ => true,
    }
}

async fn check_single_faults(kind: Kind) {
    let points = count_from("NETBOOT_FAULTS", 1, 1) as u64;
    let target = Target::start(kind);
    let (plan, proxy) = Plan::proxy(&target);
    let direct = Publisher::from(target.place("site").store().await);
    let through = Publisher::from(target.place_behind(&proxy, "site").store().await);
    // A server that checks no digests does not notice a flipped bit. Then the publisher has to
    // verify.
    let [direct, through] = [direct, through].map(|publisher| match kind {
        Kind::Nanio => publisher.with_verification(VerifyDepth::Content),
        _ => publisher,
    });
    let reader = target.reader("site").await;
    let mut live = release(&target, 0).await;
    direct.publish(&live, &Context::new()).await.unwrap();
    let mut usual = [Vec::new(), Vec::new()];
    for number in [1, 2] {
        live = release(&target, number).await;
        plan.set(|_, _, _| HttpFault::None);
        through.publish(&live, &Context::new()).await.unwrap();
        usual[usize::from(!number.is_multiple_of(2))].clone_from(&plan.seen.lock().unwrap());
    }

    let (mut number, begun) = (2, Instant::now());
    let mut all = Outcomes::default();
    for (name, moment, fault) in single_faults() {
        let (mut outcomes, mut requests, mut expected) = (Outcomes::default(), 0, 0);
        let faults = proxy.faults();
        for point in 0..points {
            number += 1;
            let next = release(&target, number).await;
            let usual = &usual[usize::from(!number.is_multiple_of(2))];
            let is_it = |request: &&HttpRequest| can_happen(request, moment, &fault);
            let possible = usual.iter().filter(is_it).count() as u64;
            // Choose other requests for each fault.
            let at = (point * possible / points + number * 7) % possible;
            let (fault, passed) = (fault.clone(), AtomicU64::new(0));
            plan.set(move |_, request, asked| {
                let is_it = asked == moment && can_happen(request, moment, &fault);
                if is_it && passed.fetch_add(1, Ordering::SeqCst) == at {
                    fault.clone()
                } else {
                    HttpFault::None
                }
            });
            let result = through.publish(&next, &Context::new()).await;
            requests += plan.requests();
            expected += usual.len();
            target.end_lease("site");
            let what = format!("{kind:?}: {name} at request {at} of {possible}");
            outcomes.check(result, &direct, &reader, live.id(), &next, &what).await;
            live = next;
        }
        println!(
            "{kind:?}: {name}: {} of {} whole, errors {:?}, {} faults, {requests} requests where \
             {expected} are usual",
            outcomes.succeeded,
            outcomes.total(),
            outcomes.failed,
            proxy.faults() - faults,
        );
        all.succeeded += outcomes.succeeded;
        for (error, count) in outcomes.failed {
            *all.failed.entry(error).or_default() += count;
        }
    }
    println!(
        "{kind:?}: {} publishes, {} whole at once, errors {:?}; {} faults; {:.1?}",
        all.total(),
        all.succeeded,
        all.failed,
        proxy.faults(),
        begun.elapsed()
    );
    // A publish survives one fault, except a fault with a false answer.
    assert!(all.succeeded * 10 >= all.total() * 7, "{all:?}");
    assert!(proxy.faults() * 2 >= all.total() as u64, "{} faults", proxy.faults());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_on_the_way_to_ministack() {
    check_single_faults(Kind::Ministack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_fault_on_the_way_to_nanio() {
    check_single_faults(Kind::Nanio).await;
}

/// An overloaded server sends `Retry-After`. The store repeats the request after this time and not
/// before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_are_as_many_and_as_late_as_they_are_to_be() {
    let target = Target::start(Kind::Ministack);
    let (plan, proxy) = Plan::proxy(&target);
    let through = Publisher::from(target.place_behind(&proxy, "site").store().await);
    let reader = target.reader("site").await;
    for (number, status, headers, least) in [
        (1, "500 Internal Server Error", "", Duration::ZERO),
        (3, "503 Service Unavailable", "Retry-After: 1\r\n", Duration::from_secs(3)),
    ] {
        let next = release(&target, number).await;
        let asked = Arc::new(AtomicU64::new(0));
        let count = asked.clone();
        plan.set(move |_, request, moment| {
            let is_it = request.method == "PUT" && request.target.ends_with("/manifest.json");
            if moment == Moment::Asked && is_it && count.fetch_add(1, Ordering::SeqCst) < 3 {
                let (status, headers) = (status.to_owned(), headers.to_owned());
                return HttpFault::Answer { status, headers };
            }
            HttpFault::None
        });
        let begun = Instant::now();
        through.publish(&next, &Context::new()).await.unwrap();
        assert!(begun.elapsed() >= least, "{status}: {:?}", begun.elapsed());
        assert_eq!(asked.load(Ordering::SeqCst), 4, "{status}");
        assert_eq!(reader.boot().await.0, *next.id());
    }
}

/// The fault, its behaviour, and the expected failure.
type Bad = (&'static str, fn(u64, Moment) -> HttpFault, &'static [S3Failure]);

/// The store gives up if the server keeps failing. The steps before do no harm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_bad_is_a_typed_error() {
    for kind in [Kind::Ministack, Kind::Nanio] {
        let target = Target::start(kind);
        let (plan, proxy) = Plan::proxy(&target);
        let direct = Publisher::from(target.place("site").store().await);
        let store = target.place_behind(&proxy, "site").s3().retries(2, PATIENCE);
        let through = Publisher::new(store.build().await.unwrap());
        let reader = target.reader("site").await;
        let mut live = release(&target, 1).await;
        direct.publish(&live, &Context::new()).await.unwrap();
        let bad: [Bad; 3] = [
            (
                "500",
                |request, moment| match moment {
                    Moment::Asked if request > 6 => HttpFault::Answer {
                        status: "500 Internal Server Error".to_owned(),
                        headers: String::new(),
                    },
                    _ => HttpFault::None,
                },
                &[S3Failure::Unknown { code: None }],
            ),
            (
                "503",
                |request, moment| match moment {
                    Moment::Asked if request > 6 => HttpFault::Answer {
                        status: "503 Slow Down".to_owned(),
                        headers: String::new(),
                    },
                    _ => HttpFault::None,
                },
                &[S3Failure::Busy],
            ),
            (
                "cut",
                |request, moment| match moment {
                    Moment::Answered if request > 6 => HttpFault::Cut { after: 0 },
                    _ => HttpFault::None,
                },
                &[S3Failure::Interrupted],
            ),
        ];
        for (number, (what, rule, failures)) in (1..).zip(bad) {
            let next = release(&target, 2 * number + 1).await;
            plan.set(move |request, _, moment| rule(request, moment));
            let result = through.publish(&next, &Context::new()).await;
            match &result {
                Err(Error::S3 { failure, .. }) => {
                    let failure = match failure {
                        S3Failure::Unknown { .. } => &S3Failure::Unknown { code: None },
                        failure => failure,
                    };
                    assert!(failures.contains(failure), "{kind:?} {what}: {failure:?}");
                }
                other => panic!("{kind:?} {what}: {other:?}"),
            }
            target.end_lease("site");
            let mut outcomes = Outcomes::default();
            outcomes.check(result, &direct, &reader, live.id(), &next, what).await;
            live = next;
        }
    }
}

/// A server with meaningless `ETag`s: the same one for all objects, or another one each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etags_that_lie_tear_nothing() {
    for kind in [Kind::Ministack, Kind::Nanio] {
        for same in [true, false] {
            let target = Target::start(kind);
            let (plan, proxy) = Plan::proxy(&target);
            let direct = Publisher::from(target.place("site").store().await);
            let reader = target.reader("site").await;
            let mut live = release(&target, 1).await;
            direct.publish(&live, &Context::new()).await.unwrap();
            plan.set(move |request, _, moment| match moment {
                Moment::Answered if same => HttpFault::Etag("\"the same\"".to_owned()),
                Moment::Answered => HttpFault::Etag(format!("\"{request}\"")),
                Moment::Asked => HttpFault::None,
            });
            let what = format!("{kind:?}, the same ETag for all: {same}");
            let store = match target.place_behind(&proxy, "site").try_store().await {
                Ok(store) => store,
                Err(error) => {
                    println!("{what}: the store is not even made: {}", name_of(&error));
                    assert!(error.hint().is_some(), "{error:?}");
                    continue;
                }
            };
            let capabilities = store.capabilities();
            let through = Publisher::from(store);
            let mut outcomes = Outcomes::default();
            for number in 2..5 {
                let next = release(&target, number).await;
                let result = through.publish(&next, &Context::new()).await;
                if let Ok(receipt) = &result {
                    assert_eq!(receipt.order_guarded(), capabilities.compare_and_swap());
                }
                target.end_lease("site");
                outcomes.check(result, &direct, &reader, live.id(), &next, &what).await;
                live = next;
            }
            println!("{what}: {capabilities:?}, {outcomes:?}");
        }
    }
}
