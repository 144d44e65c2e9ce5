//! Machines assemble their system from verified store paths.

use netboot_core::{Context, Release};
use netboot_publish::RollbackTo;
use netboot_qemu::Firmware;
use netboot_tests::{ClosureSite, is_long};

/// A machine boots. After a change, only what changed is published, and the boot loader fetches the
/// same files as before.
///
/// With `NETBOOT_LONG_TESTS`, the machine boots the new system, and after a rollback the old one.
async fn first_boot(firmware: Firmware) {
    let site = ClosureSite::new().await;
    let server = site.serve().await;
    let port = server.address().port();
    let boot = |generation| ClosureSite::boot(port, ClosureSite::machine(firmware), generation);

    let first = site.pack(&site.usual_system("first"));
    let first_release = site.release(&first, &[port], &[]);
    site.publish(&first_release).await;
    let report = boot("first").await;
    let took = report.assembled(&first, "first");
    assert_eq!(took.from_network, first.fetched_bytes());
    assert_eq!((took.from_disk, took.retries), (0, 0));
    assert_eq!(report.said("CLOSURE-STORE"), "tmpfs");

    let second = site.pack(&site.usual_system("second"));
    let second_release = site.release(&second, &[port], &[]);
    assert_eq!(payload(&first_release), payload(&second_release));
    let plan = site.publisher().plan(&second_release, &Context::new()).await.unwrap();
    let blobs = plan.to_send.iter().map(|(path, _)| path.to_string());
    let mut blobs: Vec<_> = blobs.filter(|path| path.starts_with("blobs/")).collect();
    let changed = [second.blob("changing"), second.blob("nixos-system-test"), second.index_path()];
    blobs.sort_unstable();
    let mut changed = changed.to_vec();
    changed.sort_unstable();
    assert_eq!(blobs, changed);
    if !is_long() {
        return;
    }
    site.publish(&second_release).await;
    boot("second").await.assembled(&second, "second");
    site.publisher().rollback(RollbackTo::Previous, &Context::new()).await.unwrap();
    boot("first").await.assembled(&first, "first");
}

/// The files that the boot loader fetches.
fn payload(release: &Release) -> impl PartialEq + std::fmt::Debug {
    let image = release.manifest().images().values().next().unwrap();
    (image.kernel.clone(), image.initrds.clone())
}

#[tokio::test]
async fn a_machine_with_bios_assembles_its_system() {
    first_boot(Firmware::Bios).await;
}

#[tokio::test]
async fn a_machine_with_uefi_assembles_its_system() {
    // By default, the test of passing faults boots with UEFI.
    if is_long() {
        first_boot(Firmware::Uefi).await;
    }
}
