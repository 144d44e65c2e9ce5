//! The memory that a machine needs to assemble its closure, and the forms of the store.

use netboot_closure::PathToPack;
use netboot_closure::console::{FailureCause, StoreForm};
use netboot_core::inspect::{inspect_initrd, least_memory_mib};
use netboot_core::{Artifact, Context};
use netboot_qemu::Firmware;
use netboot_testbed::PATIENCE;
use netboot_tests::{ClosureReport, ClosureSite, PackedSystem, is_long};

/// A site with 240 MB in its closure, of which a quarter does not compress.
struct Heavy {
    site: ClosureSite,
    packed: PackedSystem,
}

impl Heavy {
    async fn new(options: &str) -> Self {
        let site = ClosureSite::with_options(options).await;
        let data: Vec<PathToPack> = (0..20)
            .map(|seed| site.store().data(&format!("heavy-{seed}"), seed, 12_000_000))
            .collect();
        let packed = site.pack(&site.store().system("heavy", &data));
        Self { site, packed }
    }

    async fn boot(&self, memory: u32, store: &str) -> ClosureReport {
        let server = self.site.serve().await;
        let port = server.address().port();
        let store = format!("netboot.store={store}");
        self.site.publish(&self.site.release(&self.packed, &[port], &[&store])).await;
        let machine = ClosureSite::machine(Firmware::Bios).memory_mib(memory);
        let machine = machine.fail_on("Out of memory").timeout(PATIENCE);
        ClosureSite::boot(port, machine, "heavy").await
    }

    /// The memory in MiB with which the program fetches the closure, and the machine boots.
    async fn guarded(&self, store: &str) -> u32 {
        let mut memory = 480;
        loop {
            let report = self.boot(memory, store).await;
            if report.report.ensure_success().is_ok() {
                report.assembled(&self.packed, "heavy");
                return memory;
            }
            let FailureCause::MemoryTooSmall { needed, available, .. } = report.failure().cause
            else {
                panic!("{}", report.report.console);
            };
            // With more memory, the kernel takes more for itself.
            memory += u32::try_from((needed - available).div_ceil(1 << 20)).unwrap() + 2;
        }
    }

    /// The memory in MiB that the size report names.
    async fn reported(&self) -> u32 {
        let path = self.site.store().work().join("initrd");
        let initrd = self.site.initrd();
        std::fs::write(&path, initrd.bytes()).unwrap();
        let summary = inspect_initrd(&path, &Context::new()).await.unwrap();
        let closure = self.packed.closure.manifest();
        let initrds = [(initrd.size(), &summary)];
        u32::try_from(least_memory_mib(initrds, Some(&closure)).unwrap()).unwrap()
    }

    /// The least memory in MiB with which the closure boots when nothing guards it.
    async fn least(&self, store: &str, too_little: u32, enough: u32) -> u32 {
        let (mut too_little, mut enough) = (too_little, enough);
        while enough - too_little > 8 {
            let middle = u32::midpoint(too_little, enough);
            let report = self.boot(middle, store).await;
            if report.report.ensure_success().is_ok() {
                enough = middle;
            } else {
                too_little = middle;
            }
        }
        enough
    }
}

/// Where a closure does not fit uncompressed, it is assembled in a compressed disk in memory.
#[tokio::test]
async fn where_a_closure_does_not_fit_in_tmpfs_it_is_in_zram() {
    if !is_long() {
        return;
    }
    let heavy = Heavy::new("").await;
    let [tmpfs, zram] = [heavy.guarded("tmpfs").await, heavy.guarded("zram").await];
    let reported = heavy.reported().await;
    println!("asked for: {tmpfs} MiB with tmpfs, {zram} MiB with zram; reported: {reported} MiB");
    assert!(zram < tmpfs * 9 / 10, "{zram} {tmpfs}");
    assert!(reported.abs_diff(tmpfs) * 20 <= tmpfs, "{reported} is not within 5 % of {tmpfs}");
    let report = heavy.boot(u32::midpoint(zram, tmpfs), "auto").await;
    report.assembled(&heavy.packed, "heavy");
    assert_eq!(report.said("CLOSURE-STORE"), "ext4");
    assert_eq!(report.status().form, Some(StoreForm::Zram));
}

/// The program asks for 200 MiB for the services of a real system, which this one does not have,
/// for 64 MiB in reserve, and for 40 MiB for its connections. Linux keeps up to 75 MiB free for
/// huge pages in a machine of this size.
#[tokio::test]
async fn the_program_asks_for_as_much_memory_as_a_machine_needs() {
    if !is_long() {
        return;
    }
    let (guarded, free) = (Heavy::new("").await, Heavy::new("--memory /plenty").await);
    let asked = guarded.guarded("tmpfs").await;
    let least = free.least("tmpfs", 160, asked).await;
    println!("asked for {asked} MiB, least {least} MiB");
    assert!((least + 200..=least + 200 + 64 + 40 + 75).contains(&asked), "{least} {asked}");
}
