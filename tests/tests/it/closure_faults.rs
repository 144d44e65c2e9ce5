//! Machines whose web servers, networks or memory have faults: each boots all the same, or says why
//! not, with the path, the URL and the remedy. Most of the faults need `NETBOOT_LONG_TESTS`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use netboot_closure::console::{FailureCause, FetchProblem, Item};
use netboot_qemu::{DirectoryServer, Firmware, MachineBuilder, NetworkCard};
use netboot_testbed::{FaultProxy, HttpFault, HttpRequest, Moment};
use netboot_tests::{ClosureReport, ClosureSite, PackedSystem, is_long};

/// A published system.
struct Published {
    site: ClosureSite,
    packed: PackedSystem,
    server: DirectoryServer,
}

impl Published {
    async fn new() -> Self {
        let site = ClosureSite::new().await;
        let packed = site.pack(&site.usual_system("faulty"));
        let server = site.serve().await;
        Self { site, packed, server }
    }

    /// A proxy before the server.
    fn proxy(
        &self,
        rule: impl Fn(&HttpRequest, Moment) -> HttpFault + Send + Sync + 'static,
    ) -> FaultProxy {
        FaultProxy::http(self.server.address(), rule)
    }

    /// Boots a machine that reaches the server through this proxy.
    async fn boot(&self, proxy: &FaultProxy) -> ClosureReport {
        self.boot_with(proxy.address().port(), ClosureSite::machine(Firmware::Bios)).await
    }

    async fn boot_with(&self, port: u16, machine: MachineBuilder) -> ClosureReport {
        self.site.publish(&self.site.release(&self.packed, &[port], &[])).await;
        ClosureSite::boot(port, machine, "faulty").await
    }

    /// The number of requests for blobs of store paths.
    fn path_requests(&self) -> usize {
        let paths: Vec<_> = self.packed.paths().map(|path| format!("/{path}")).collect();
        let requests = self.server.requests();
        requests.iter().filter(|request| paths.contains(&request.path)).count()
    }
}

/// Returns true the first time.
fn once(done: &AtomicBool) -> bool {
    !done.swap(true, Ordering::SeqCst)
}

/// Asserts that the machine gave up on a file for this problem.
fn assert_failed(boot: &ClosureReport, blob: &str, problem: &FetchProblem) {
    let failure = boot.failure();
    let FailureCause::FetchFailed { item, url, tries, problem: found } = &failure.cause else {
        panic!("{failure:?}");
    };
    assert_eq!(found, problem, "{failure:?}");
    assert!(url.to_string().ends_with(blob), "{url} is not {blob}");
    assert!(*tries >= 1, "{failure:?}");
    if let Item::Path { path } = item {
        assert_eq!(path.name(), "largest");
    }
    assert!(failure.card.is_some() && failure.address.is_some(), "{failure:?}");
    assert!(failure.available_memory.is_some(), "{failure:?}");
    assert!(!failure.hint().is_empty());
}

#[tokio::test]
async fn a_machine_boots_though_a_blob_is_damaged_once_and_another_is_cut_once() {
    let published = Published::new().await;
    let path = |name: &str| format!("/{}", published.packed.blob(name));
    let (flipped, cut) = (path("largest"), path("large"));
    let (has_flipped, has_cut) = (AtomicBool::new(false), AtomicBool::new(false));
    let proxy = published.proxy(move |request, moment| match moment {
        Moment::Answered if request.target == flipped && once(&has_flipped) => {
            HttpFault::Flip { at: 1000 }
        }
        Moment::Answered if request.target == cut && once(&has_cut) => {
            HttpFault::Cut { after: 100_000 }
        }
        _ => HttpFault::None,
    });
    let machine = ClosureSite::machine(Firmware::Uefi);
    let boot = published.boot_with(proxy.address().port(), machine).await;
    let took = boot.assembled(&published.packed, "faulty");
    assert_eq!(proxy.faults(), 2);
    assert_eq!(took.retries, 2, "{took:?}");
    // The damaged blob came twice. Of the cut one, only the rest came again.
    let damaged = published.packed.blob_size("largest");
    assert_eq!(took.from_network, published.packed.fetched_bytes() + damaged, "{took:?}");
    let cut = path("large");
    let requests = published.server.requests();
    assert!(requests.iter().any(|r| r.path == cut && r.status == 206), "{requests:?}");
}

/// The server goes away when the machine asks for a blob, and comes back after some time.
async fn boots_though_the_server_is_away(time: Duration) {
    let published = Published::new().await;
    let first = format!("/{}", published.packed.blob("medium"));
    let back = Mutex::new(None);
    let proxy = published.proxy(move |request, _| {
        let mut back = back.lock().unwrap();
        if request.target == first && back.is_none() {
            *back = Some(Instant::now() + time);
        }
        match *back {
            Some(back) if Instant::now() < back => HttpFault::Cut { after: 0 },
            _ => HttpFault::None,
        }
    });
    let boot = published.boot(&proxy).await;
    let took = boot.assembled(&published.packed, "faulty");
    assert!(took.retries >= 2 && took.milliseconds >= 1000, "{took:?}");
    let problem = boot.status().last_problem.as_ref();
    assert!(matches!(problem, Some(FetchProblem::Unreachable { .. })), "{problem:?}");
}

#[tokio::test]
async fn a_machine_boots_though_the_server_is_away_for_some_time() {
    if !is_long() {
        return;
    }
    for seconds in [6, 12, 40] {
        boots_though_the_server_is_away(Duration::from_secs(seconds)).await;
    }
}

#[tokio::test]
async fn a_blob_that_stays_wrong_is_the_last_word() {
    let published = Published::new().await;
    let blob = published.packed.blob("largest");
    let wrong = format!("/{blob}");
    let proxy = published.proxy(move |request, moment| match moment {
        Moment::Answered if request.target == wrong => HttpFault::Flip { at: 1000 },
        _ => HttpFault::None,
    });
    let boot = published.boot(&proxy).await;
    assert_failed(&boot, &blob, &FetchProblem::WrongDigest);
}

#[tokio::test]
async fn a_blob_that_is_missing_is_the_last_word() {
    if !is_long() {
        return;
    }
    let published = Published::new().await;
    let blob = published.packed.blob("largest");
    let missing = format!("/{blob}");
    let proxy = published.proxy(move |request, _| {
        if request.target != missing {
            return HttpFault::None;
        }
        HttpFault::Answer { status: "404 Not Found".to_owned(), headers: String::new() }
    });
    let boot = published.boot(&proxy).await;
    assert_failed(&boot, &blob, &FetchProblem::Missing);
}

#[tokio::test]
async fn with_a_wrong_index_nothing_is_fetched() {
    if !is_long() {
        return;
    }
    let published = Published::new().await;
    let blob = published.packed.index_path();
    let wrong = format!("/{blob}");
    let proxy = published.proxy(move |request, moment| match moment {
        Moment::Answered if request.target == wrong => HttpFault::Flip { at: 30 },
        _ => HttpFault::None,
    });
    let boot = published.boot(&proxy).await;
    assert_failed(&boot, &blob, &FetchProblem::WrongDigest);
    assert_eq!(published.path_requests(), 0);
}

#[tokio::test]
async fn without_enough_memory_nothing_is_fetched() {
    let published = Published::new().await;
    let port = published.server.address().port();
    let machine = ClosureSite::machine(Firmware::Bios).memory_mib(288);
    let boot = published.boot_with(port, machine).await;
    let failure = boot.failure();
    let FailureCause::MemoryTooSmall { needed, available, .. } = failure.cause else {
        panic!("{failure:?}");
    };
    assert!(needed > available && available > 100 << 20, "{failure:?}");
    assert_eq!(published.path_requests(), 0);
}

#[tokio::test]
async fn a_machine_without_the_card_that_booted_says_so() {
    if !is_long() {
        return;
    }
    let published = Published::new().await;
    let port = published.server.address().port();
    // The kernel has no driver for the card that UEFI boots from by default.
    let machine = ClosureSite::machine(Firmware::Uefi).network_card(NetworkCard::E1000);
    let boot = published.boot_with(port, machine.mac("52:54:00:00:00:99")).await;
    let failure = boot.failure();
    let FailureCause::CardMissing { wanted, .. } = &failure.cause else { panic!("{failure:?}") };
    assert_eq!(wanted.to_string(), "52:54:00:00:00:99");
    assert!(failure.hint().contains("driver"), "{}", failure.hint());
    assert_eq!(published.path_requests(), 0);
}
