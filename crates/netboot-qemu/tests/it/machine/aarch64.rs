//! Machines for 64-bit ARM boot the real firmware, iPXE and kernel.

use std::fs;
use std::path::PathBuf;

use netboot_core::{Architecture, Context};
use netboot_qemu::{BootStage, Firmware, MachineBuilder, Verifier};
use netboot_testbed::{DebianTree, cpio};

use crate::followed_hints::assert_hint;
use crate::machine::site::{Site, machine};

/// Shows the command line and the architecture, and powers off.
const INIT: &str = "#!/bin/busybox sh
busybox mount -t proc proc /proc
echo \"NETBOOT-CMDLINE $(busybox cat /proc/cmdline)\"
echo \"NETBOOT-RUNS-ON $(busybox uname -m)\"
busybox poweroff -f
";

/// The iPXE that the tests start, which Debian 12 does not have.
fn ipxe() -> PathBuf {
    DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-arm64.efi")
}

fn arm64() -> MachineBuilder {
    machine(Firmware::Uefi).architecture(Architecture::Aarch64)
}

/// A site with Debian's kernel for 64-bit ARM, and its busybox in the initrd.
async fn site() -> Site {
    let site = Site::with_script(
        "#!ipxe\n\
         kernel --name Image Image initrd=initrd console=ttyAMA0 loglevel=4 panic=-1\n\
         initrd --name initrd initrd\n\
         boot\n",
    )
    .await;
    let tree = DebianTree::ARM64_LINUX;
    fs::copy(tree.kernel(), site.path().join("Image")).unwrap();
    let busybox = fs::read(tree.path("usr/bin/busybox")).unwrap();
    let files: [(&str, &[u8]); 3] =
        [("bin/busybox", &busybox), ("proc/placeholder", b""), ("init", INIT.as_bytes())];
    site.write("initrd", cpio(&files));
    site
}

#[tokio::test]
async fn every_stage_of_an_arm_machine_is_seen() {
    let site = site().await;
    let machine = arm64().ipxe(ipxe()).expect("NETBOOT-CMDLINE").expect("NETBOOT-RUNS-ON aarch64");
    let report = site.boot(machine, "boot.ipxe").await;
    report.ensure_success().unwrap();
    assert_eq!(report.architecture, Architecture::Aarch64);
    assert_eq!(report.firmware, Firmware::Uefi);
    let stages: Vec<_> = report.stages.keys().copied().collect();
    let expected = [
        BootStage::Started,
        BootStage::Dhcp,
        BootStage::Script,
        BootStage::Kernel,
        BootStage::Initrd,
        BootStage::KernelStarted,
        BootStage::MarkersSeen,
    ];
    assert_eq!(stages, expected, "{}", report.console);
    assert!(report.command_line[0].ends_with("qemu-system-aarch64"));
    assert!(report.to_string().contains("(aarch64, UEFI, "), "{report}");
}

#[tokio::test]
async fn the_programs_of_an_arm_machine_are_named_when_they_are_missing() {
    let url = "http://127.0.0.1:9/boot.ipxe".parse().unwrap();
    for (machine, missing, package) in [
        (arm64().qemu_program("no-such-qemu"), "no-such-qemu", "qemu-system-arm"),
        (arm64().firmware_code("/no/such/CODE.fd"), "firmware for aarch64", "qemu-efi-aarch64"),
    ] {
        let machine = machine.build().unwrap();
        let error = machine.boot(&url, &Context::new()).await.unwrap_err();
        assert!(error.to_string().contains(missing), "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains(package), "{hint}");
    }
}

/// The hint leads to variables with keys, which did not sign this iPXE.
#[tokio::test]
async fn arm_firmware_fetches_a_program_and_checks_its_signature() {
    let site = Site::new().await;
    fs::copy(ipxe(), site.path().join("program.efi")).unwrap();
    let (url, context) = (site.server.url("program.efi"), Context::new());
    let error = arm64().build().unwrap().boot_by_http(&url, &context).await.unwrap_err();
    assert_hint(&error, "give a file that has a store with firmware_variables");
    let machine = arm64().firmware_variables("/usr/share/AAVMF/AAVMF_VARS.snakeoil.fd");
    let report = machine.build().unwrap().boot_by_http(&url, &context).await.unwrap();
    println!("{report}\n{}", report.console);
    assert!(report.fetched[0].succeeded(), "{report}");
    let by: Vec<_> = report.refusals.iter().map(|refusal| refusal.by).collect();
    assert_eq!(by, [Verifier::Firmware], "{report}");
}
