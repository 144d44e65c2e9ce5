//! Firmware with Netboot's keys boots a UKI that Netboot made and signed, and refuses every other
//! one.

use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

use netboot_core::{
    ArtifactKind, BytesArtifact, Context, FileArtifact, InitPath, KernelCommandLine,
    KernelParameter,
};
use netboot_qemu::{
    BootReport, DirectoryServer, Firmware, FirmwareKeys, Machine, MachineBuilder, Verifier,
};
use netboot_testbed::{DebianTree, PATIENCE, Testbed, cpio};
use netboot_uki::{SecureBootVariable, Stub, TestKeys, Uki, UkiFile, sign};
use tempfile::TempDir;

const INIT: &str = "#!/bin/busybox sh
busybox mkdir -p /proc
busybox mount -t proc proc /proc
echo \"NETBOOT-BOOTED $(busybox cat /proc/cmdline)\"
busybox sleep 600
";

/// Makes a UKI that says its command line, with this last parameter.
pub(crate) async fn uki(last: &str) -> Uki {
    let (testbed, context) = (Testbed::locate(), Context::new());
    let kernel = FileArtifact::open(ArtifactKind::Kernel, "bzImage", testbed.kernel(), &context);
    let busybox = fs::read(testbed.busybox()).unwrap();
    let files = [("init", INIT.as_bytes()), ("bin/busybox", &busybox)];
    let initrd = BytesArtifact::new(ArtifactKind::Initrd, "initrd", cpio(&files)).unwrap();
    let init: InitPath = "/init".parse().unwrap();
    let parameters = ["console=ttyS0", "no_timer_check", "panic=-1", last];
    let parameters = parameters.map(|it| it.parse::<KernelParameter>().unwrap());
    let stub = DebianTree::TRIXIE_UKIFY.path("usr/lib/systemd/boot/efi/linuxx64.efi.stub");
    let line = KernelCommandLine::new(&init, &parameters).unwrap();
    Uki::builder(Stub::read(stub).unwrap(), Arc::new(kernel.await.unwrap()), &line)
        .initrd(Arc::new(initrd))
        .build()
        .await
        .unwrap()
}

/// The values of the firmware's variables with these keys.
pub(crate) fn firmware_keys(keys: &TestKeys) -> FirmwareKeys {
    use SecureBootVariable::{KeyExchangeKeys, PlatformKey, Signatures};
    let value = |variable| keys.signature_list(variable).as_bytes().to_vec();
    FirmwareKeys::new(value(PlatformKey), value(KeyExchangeKeys), value(Signatures)).unwrap()
}

async fn boot(machine: &MachineBuilder, server: &DirectoryServer, name: &str) -> BootReport {
    let machine = machine.clone().build().unwrap();
    let report = machine.boot_by_http(&server.url(name), &Context::new()).await.unwrap();
    println!("{name}: {report}\n{}", report.console);
    report
}

#[tokio::test]
async fn a_uki_boots_in_lockdown_and_not_with_one_byte_altered() {
    let (directory, context) = (TempDir::new().unwrap(), Context::new());
    let path = |name: &str| directory.path().join(name);
    uki("quiet").await.write(path("unsigned.efi"), &context).await.unwrap();
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

    let server = DirectoryServer::start(directory.path()).await.unwrap();
    let machine = Machine::builder()
        .firmware(Firmware::UefiSecureBoot)
        .firmware_keys(firmware_keys(&test_keys))
        .timeout(PATIENCE);
    let expected = format!("NETBOOT-BOOTED {}", signed.command_line().unwrap());
    let report = boot(&machine.clone().expect(expected), &server, "signed.efi").await;
    report.ensure_success().unwrap();
    assert!(report.locked_down, "{report}");
    for name in ["unsigned.efi", "altered.efi", "other-key.efi"] {
        let report = boot(&machine, &server, name).await;
        let [refusal] = &report.refusals[..] else { panic!("{name}: {report}") };
        assert_eq!(refusal.by, Verifier::Firmware);
        assert!(refusal.line.ends_with(": Access Denied"), "{refusal}");
    }
}
