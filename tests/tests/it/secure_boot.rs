//! Firmware with Netboot's keys boots a UKI that Netboot made and signed, and refuses every other
//! one.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use netboot_core::{ArtifactKind, Context, FileArtifact, Release};
use netboot_ipxe::Renderer;
use netboot_publish::{Error, MemoryStore, Publisher};
use netboot_qemu::{
    BootReport, DirectoryServer, Firmware, Machine, MachineBuilder, QemuProver, Verifier,
};
use netboot_testbed::PATIENCE;
use netboot_uki::{SecureBootVariable, TestKeys, Uki, UkiFile, sign};
use tempfile::TempDir;

use crate::script_uki;

const INIT: &str = "#!/bin/busybox sh
busybox mkdir -p /proc
busybox mount -t proc proc /proc
echo \"NETBOOT-BOOTED $(busybox cat /proc/cmdline)\"
busybox sleep 600
";

/// The hint for an image without a UKI.
const WITHOUT_UKI: &str =
    "make the image with a UKI, or let a machine without Secure Boot boot its script";

/// Makes a UKI that says its command line, with this last parameter.
pub(crate) async fn uki(last: &str) -> Uki {
    script_uki::uki(INIT, &["console=ttyS0", "no_timer_check", "panic=-1", last]).await
}

async fn boot(machine: &MachineBuilder, server: &DirectoryServer, name: &str) -> BootReport {
    let machine = machine.clone().build().unwrap();
    let report = machine.boot_by_http(&server.url(name), &Context::new()).await.unwrap();
    println!("{name}: {report}\n{}", report.console);
    report
}

/// A release with this UKI. The UKI has the kernel and initrd that boot; the image's own are
/// samples.
async fn release(uki: Option<&Path>) -> Release {
    let image = netboot_tests::image("worker");
    let image = match uki {
        Some(path) => {
            let context = Context::new();
            let uki = FileArtifact::open(ArtifactKind::Uki, "worker.efi", path, &context).await;
            image.with_uki(uki.unwrap()).unwrap()
        }
        None => image,
    };
    Renderer::builder().build().unwrap().render_release([image]).unwrap()
}

#[tokio::test]
async fn only_a_release_whose_uki_the_firmware_boots_goes_live() {
    let (directory, context) = (TempDir::new().unwrap(), Context::new());
    let path = |name: &str| directory.path().join(name);
    uki("loglevel=7").await.write(path("unsigned.efi"), &context).await.unwrap();
    let test_keys = TestKeys::generate("netboot tests", SystemTime::now()).unwrap();
    let db = test_keys.signer(SecureBootVariable::Signatures).unwrap();
    sign(path("unsigned.efi"), path("signed.efi"), &db, &context).await.unwrap();
    let pk = test_keys.signer(SecureBootVariable::PlatformKey).unwrap();
    sign(path("unsigned.efi"), path("other-key.efi"), &pk, &context).await.unwrap();
    let signed = UkiFile::open(path("signed.efi")).unwrap();
    let line = signed.program().section(".cmdline").unwrap().offset as usize;
    let mut altered = fs::read(path("signed.efi")).unwrap();
    altered[line] ^= 0x20;
    fs::write(path("altered.efi"), altered).unwrap();

    let keys = path("keys");
    fs::create_dir(&keys).unwrap();
    test_keys.write(&keys, &context).await.unwrap();
    let machine = Machine::builder()
        .firmware(Firmware::UefiSecureBoot)
        .firmware_keys_in(&keys)
        .timeout(PATIENCE);
    let expected = format!("NETBOOT-BOOTED {}", signed.command_line().unwrap());
    let server = DirectoryServer::start(directory.path()).await.unwrap();
    let report = boot(&machine, &server, "altered.efi").await;
    let [refusal] = &report.refusals[..] else { panic!("{report}") };
    assert_eq!(refusal.by, Verifier::Firmware);
    assert!(refusal.line.ends_with(": Access Denied"), "{refusal}");

    // A release goes live only with a UKI that the key of the firmware signed.
    let publisher = Publisher::new(MemoryStore::new());
    let prover = QemuProver::new(move |_| machine.clone().expect(&expected));
    let error = publisher.publish_proven(&release(None).await, &prover, &context).await;
    let error = error.unwrap_err();
    assert_eq!(error.hint().as_deref(), Some(WITHOUT_UKI), "{error}");
    for name in ["unsigned.efi", "other-key.efi"] {
        let release = release(Some(&path(name))).await;
        let error = publisher.publish_proven(&release, &prover, &context).await.unwrap_err();
        let Error::NotProven { failures, .. } = &error else { panic!("{name}: {error:?}") };
        let said = failures["worker"].problem.as_str();
        assert!(said.contains("refused by the firmware: "), "{name}: {said}");
        assert!(error.hint().unwrap().contains("sign the program with a key"), "{error:?}");
        assert_eq!(publisher.live().await.unwrap(), None, "{name}");
    }
    let good = release(Some(&path("signed.efi"))).await;
    let receipt = publisher.publish_proven(&good, &prover, &context).await.unwrap();
    let console = &receipt.proof.proofs["worker"].console;
    assert!(console.contains("Kernel is locked down from EFI Secure Boot"), "{console}");
    assert_eq!(publisher.live().await.unwrap(), Some(*good.id()));
}
