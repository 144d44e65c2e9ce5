//! Real iPXE boots a real kernel, and the report says how far it came.

use netboot_qemu::{BootOutcome, BootStage, Firmware};

use crate::machine::site::{Site, machine};

/// Shows the command line, waits for a key, and powers off.
const INIT: &str = "#!/bin/busybox sh
busybox mount -t proc proc /proc
echo \"NETBOOT-CMDLINE $(busybox cat /proc/cmdline)\"
echo 'NETBOOT-ASKS press a key'
read key
echo \"NETBOOT-GOT $key\"
busybox poweroff -f
";

/// A site like a publisher's: a script that chains to a script that names blobs by digest.
async fn site(init: &str) -> Site {
    let site = Site::with_script("#!ipxe\nchain releases/one/netboot.ipxe\n").await;
    let (kernel, initrd) = ("a".repeat(64), "b".repeat(64));
    site.write(
        "releases/one/netboot.ipxe",
        format!(
            "#!ipxe\nimgfree\n\
             kernel --name bzImage ../../blobs/{kernel} initrd=initrd console=ttyS0 no_timer_check panic=-1\n\
             initrd --name initrd ../../blobs/{initrd}\n\
             boot\n"
        ),
    );
    site.add_kernel(&format!("blobs/{kernel}"));
    site.add_initrd(&format!("blobs/{initrd}"), init);
    site
}

async fn every_stage_is_seen(firmware: Firmware) {
    let site = site(INIT).await;
    let machine = machine(firmware)
        .press("NETBOOT-ASKS", "k\r")
        .expect("NETBOOT-GOT k")
        .expect("NETBOOT-CMDLINE");
    let report = site.boot(machine, "boot.ipxe").await;
    report.ensure_success().unwrap();
    assert_eq!(report.firmware, firmware);
    let stages: Vec<_> = report.stages.keys().copied().collect();
    let expected = [
        BootStage::Started,
        BootStage::Dhcp,
        BootStage::Script,
        BootStage::Kernel,
        BootStage::Initrd,
        BootStage::KernelStarted,
        BootStage::InitReached,
        BootStage::MarkersSeen,
    ];
    assert_eq!(stages, expected);
    let fetched: Vec<_> = report.fetched.iter().map(|fetch| fetch.url.as_str()).collect();
    let blob = |digit: &str| format!("../../blobs/{}", digit.repeat(64));
    let expected = [&report.url, "releases/one/netboot.ipxe", &blob("a"), &blob("b")];
    assert_eq!(fetched, expected);
    assert!(report.fetched.iter().all(netboot_qemu::Fetch::succeeded));
    let line = report.console.lines().find(|line| line.starts_with("NETBOOT-CMDLINE")).unwrap();
    assert!(line.ends_with("initrd=initrd console=ttyS0 no_timer_check panic=-1"), "{line}");
}

#[tokio::test]
async fn every_stage_is_seen_by_bios() {
    every_stage_is_seen(Firmware::Bios).await;
}

#[tokio::test]
async fn every_stage_is_seen_by_uefi() {
    every_stage_is_seen(Firmware::Uefi).await;
}

#[tokio::test]
async fn a_machine_that_powers_off_too_early_is_reported() {
    let site = site("#!/bin/busybox sh\necho OWN-INIT\nbusybox poweroff -f\n").await;
    let machine = machine(Firmware::Bios).init_marker("OWN-INIT").expect("NETBOOT-HERE");
    let report = site.boot(machine, "boot.ipxe").await;
    assert_eq!(report.outcome, BootOutcome::MachineStopped);
    assert_eq!(report.reached, BootStage::InitReached);
    assert_eq!(report.missing, ["NETBOOT-HERE"]);
    let hint = report.ensure_success().unwrap_err().hint().unwrap();
    assert!(hint.contains("did not print the expected texts"), "{hint}");
}

#[tokio::test]
async fn a_marker_is_seen_though_the_machine_powers_off_at_once() {
    let site = site("#!/bin/busybox sh\necho -n NETBOOT-LAST\nbusybox poweroff -f\n").await;
    let report = site.boot(machine(Firmware::Bios).expect("NETBOOT-LAST"), "boot.ipxe").await;
    report.ensure_success().unwrap();
}
