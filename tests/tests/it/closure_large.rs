//! A closure that no boot loader could load.

use std::time::{Duration, Instant};

use netboot_qemu::Firmware;
use netboot_tests::{ClosureSite, is_long};

/// With `NETBOOT_LONG_TESTS`, a closure of 10,000 store paths and 6 GB boots.
#[tokio::test]
async fn a_closure_of_10_000_store_paths_and_6_gigabytes_boots() {
    if !is_long() {
        return;
    }
    let site = ClosureSite::new().await;
    let begin = Instant::now();
    let small = (0..9_988).map(|number| (format!("small-{number}"), number, 500_000));
    let large = (0..10).map(|number| (format!("large-{number}"), 100_000 + number, 105_000_000));
    let data: Vec<_> = small
        .chain(large)
        .map(|(name, seed, bytes)| site.store().sparse_data(&name, seed, bytes))
        .collect();
    let packed = site.pack(&site.store().system("huge", &data));
    let index = &packed.index;
    assert_eq!(index.entries().len(), 10_000);
    assert!(index.unpacked_bytes() > 6_000_000_000, "{}", index.unpacked_bytes());
    println!("made and packed in {:?}", begin.elapsed());
    let server = site.serve().await;
    let port = server.address().port();
    let begin = Instant::now();
    site.publish(&site.release(&packed, &[port], &[])).await;
    println!("published in {:?}: index {} bytes", begin.elapsed(), packed.closure.index.size());
    let machine = ClosureSite::machine(Firmware::Bios).memory_mib(7168);
    let machine = machine.timeout(Duration::from_secs(2400));
    ClosureSite::boot(port, machine, "huge").await.assembled(&packed, "huge");
}
