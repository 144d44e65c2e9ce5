//! Machines with a disk fetch a blob once.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use netboot_closure::console::Warning;
use netboot_qemu::Firmware;
use netboot_testbed::tool;
use netboot_tests::{ClosureSite, is_long};

/// Makes a disk with an ext4 of the label of caches.
fn disk(path: &Path) {
    File::create(path).unwrap().set_len(128 << 20).unwrap();
    let mut mke2fs = Command::new(tool("mke2fs"));
    mke2fs.args(["-q", "-t", "ext4", "-L", "netboot-cache"]).arg(path);
    assert!(mke2fs.status().unwrap().success());
}

/// A machine with a new disk boots, and then boots a changed system. With `NETBOOT_LONG_TESTS`, it
/// boots the first system again in between, and then finds a damaged blob on the disk.
#[tokio::test]
async fn a_machine_with_a_disk_fetches_only_what_changed() {
    let site = ClosureSite::new().await;
    let server = site.serve().await;
    let port = server.address().port();
    let image = site.store().work().join("disk");
    disk(&image);
    let boot = async |generation| {
        let machine = ClosureSite::machine(Firmware::Bios).disk(&image);
        ClosureSite::boot(port, machine, generation).await
    };
    let first = site.pack(&site.usual_system("first"));
    site.publish(&site.release(&first, &[port], &[])).await;
    let took = boot("first").await.assembled(&first, "first");
    assert_eq!((took.from_network, took.from_disk), (first.fetched_bytes(), 0));

    if is_long() {
        let took = boot("first").await.assembled(&first, "first");
        assert_eq!((took.from_network, took.from_disk), (0, first.fetched_bytes()));
    }

    let second = site.pack(&site.usual_system("second"));
    site.publish(&site.release(&second, &[port], &[])).await;
    let took = boot("second").await.assembled(&second, "second");
    let changed = second.blob_size("changing") + second.blob_size("nixos-system-test");
    assert_eq!(took.from_network, second.closure.index.size() + changed);
    assert_eq!(took.from_disk, second.index.blob_bytes() - changed);
    assert_eq!(took.retries, 0);

    if is_long() {
        damage(&site, &image, &second.blob("largest"));
        let report = boot("second").await;
        let took = report.assembled(&second, "second");
        assert_eq!(took.from_network, second.blob_size("largest"));
        let warnings = &report.status().warnings;
        let is_damaged = |warning: &Warning| matches!(warning, Warning::CacheDamaged { path } if path.name() == "largest");
        assert!(warnings.iter().any(is_damaged), "{warnings:?}");
    }
}

/// Overwrites some bytes of a blob on the disk.
fn damage(site: &ClosureSite, image: &Path, blob: &str) {
    let name = blob.strip_prefix("blobs/").unwrap();
    let path = site.published().join(blob);
    let content = std::fs::read(path).unwrap();
    let sought = &content[1 << 16..(1 << 16) + 64];
    let mut disk = std::fs::read(image).unwrap();
    let place = disk.windows(sought.len()).position(|window| window == sought);
    let place = place.unwrap_or_else(|| panic!("{name} is not on the disk"));
    disk[place..place + 64].fill(0);
    std::fs::write(image, disk).unwrap();
}
