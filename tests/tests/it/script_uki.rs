//! UKIs of the test bed's kernel whose initrd runs a script, and the keys that sign them.

use std::fs;
use std::sync::Arc;

use netboot_core::{
    ArtifactKind, BytesArtifact, Context, FileArtifact, InitPath, KernelCommandLine,
    KernelParameter,
};
use netboot_qemu::FirmwareKeys;
use netboot_testbed::{DebianTree, Testbed, cpio};
use netboot_uki::{SecureBootVariable, Stub, TestKeys, Uki};

/// Makes a UKI that runs the script, which calls busybox, with these kernel parameters.
pub(crate) async fn uki(script: &str, parameters: &[&str]) -> Uki {
    let (testbed, context) = (Testbed::locate(), Context::new());
    let kernel = FileArtifact::open(ArtifactKind::Kernel, "bzImage", testbed.kernel(), &context);
    let busybox = fs::read(testbed.busybox()).unwrap();
    let files = [("init", script.as_bytes()), ("bin/busybox", &busybox)];
    let initrd = BytesArtifact::new(ArtifactKind::Initrd, "initrd", cpio(&files)).unwrap();
    let init: InitPath = "/init".parse().unwrap();
    let parameters: Vec<KernelParameter> =
        parameters.iter().map(|parameter| parameter.parse().unwrap()).collect();
    let stub = Stub::read(DebianTree::systemd_efi("linuxx64.efi.stub")).unwrap();
    let line = KernelCommandLine::new(&init, &parameters).unwrap();
    Uki::builder(stub, Arc::new(kernel.await.unwrap()), &line)
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
