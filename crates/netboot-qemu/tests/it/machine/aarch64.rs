//! Machines for 64-bit ARM boot the real firmware, iPXE and kernel.

use std::fs;
use std::path::PathBuf;

use netboot_core::{Architecture, Context};
use netboot_qemu::{BootStage, Firmware, MachineBuilder, Verifier};
use netboot_testbed::{DebianTree, cpio};
use tempfile::TempDir;

use crate::followed_hints::assert_hint;
use crate::machine::site::{Site, machine};
use crate::secure_boot::keys::{SigningKey, run};
use crate::secure_boot::signed::boot;

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

/// Debian's `AAVMF_VARS.fd` is empty, so the machine gets a new store of variables.
#[tokio::test]
async fn arm_firmware_fetches_a_uki_and_refuses_one_that_nobody_signed() {
    let (site, key) = (site().await, SigningKey::new());
    let stub = DebianTree::systemd_efi("linuxaa64.efi.stub");
    let mut ukify = DebianTree::TRIXIE_UKIFY.python("usr/bin/ukify");
    ukify.args(["build", "--efi-arch", "aa64", "--uname", "test", "--os-release", "ID=test"]);
    ukify.args(["--cmdline", "console=ttyAMA0 panic=-1", "--stub"]).arg(stub);
    ukify.arg("--linux").arg(site.path().join("Image"));
    ukify.arg("--initrd").arg(site.path().join("initrd"));
    run(ukify.arg("--output").arg(site.path().join("unsigned.efi")));
    key.sign(&site.path().join("unsigned.efi"), &site.path().join("signed.efi"));

    let keys = TempDir::new().unwrap();
    let machine = || {
        let machine = machine(Firmware::UefiSecureBoot).architecture(Architecture::Aarch64);
        machine.firmware_keys_in(keys.path()).expect("NETBOOT-RUNS-ON aarch64")
    };
    let url = site.server.url("signed.efi");
    let error = machine().build().unwrap().boot_by_http(&url, &Context::new()).await.unwrap_err();
    assert_hint(&error, "put the certificate of the key that signs programs into the directory");
    fs::copy(key.certificate(), keys.path().join("db.crt")).unwrap();
    let report = boot(&site, machine(), "signed.efi").await;
    report.ensure_success().unwrap();
    assert!(report.locked_down, "{}", report.console);
    let report = boot(&site, machine(), "unsigned.efi").await;
    assert!(report.fetched[0].succeeded(), "{report}");
    let by: Vec<_> = report.refusals.iter().map(|refusal| refusal.by).collect();
    assert_eq!(by, [Verifier::Firmware], "{report}");
}
