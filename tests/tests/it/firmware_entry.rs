//! Firmware boots by HTTP the program of a published target, an iPXE. It leads to the one pointer,
//! so the live release decides what the machine boots.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use netboot_core::{
    Architecture, ArtifactKind, BootSpec, BytesArtifact, Context, FileArtifact, Image, ProfileSpec,
    Release, layout,
};
use netboot_ipxe::Renderer;
use netboot_publish::{LocalStore, Publisher};
use netboot_qemu::{BootReport, DirectoryServer, Firmware, Machine, MachineBuilder};
use netboot_testbed::{DebianTree, PATIENCE};
use netboot_uki::{SecureBootVariable, TestKeys, sign};
use tempfile::TempDir;

use crate::script_uki::firmware_keys;
use crate::secure_boot::uki;

/// A release of one image with this UKI, and with this iPXE for firmware.
async fn release(uki: &Path, ipxe: &Path) -> Release {
    let artifact = |kind, name| BytesArtifact::new(kind, name, "not started").unwrap();
    let profile = ProfileSpec::new("worker").unwrap();
    let boot = BootSpec::new(Architecture::X86_64, "/init", Vec::<&str>::new()).unwrap();
    let context = Context::new();
    let uki = FileArtifact::open(ArtifactKind::Uki, "worker.efi", uki, &context).await.unwrap();
    let image = Image::builder(&profile, boot)
        .kernel(artifact(ArtifactKind::Kernel, "bzImage"))
        .initrd(artifact(ArtifactKind::Initrd, "initrd"))
        .build()
        .unwrap()
        .with_uki(uki)
        .unwrap();
    let renderer = Renderer::builder()
        .secure_boot(true)
        .boot_program(Architecture::X86_64, fs::read(ipxe).unwrap())
        .build()
        .unwrap();
    renderer.render_release([image]).unwrap()
}

async fn boot(machine: MachineBuilder, server: &DirectoryServer) -> BootReport {
    let place = layout::profile_boot_program(&"worker".parse().unwrap(), Architecture::X86_64);
    let url = server.url(place.as_str());
    let report = machine.build().unwrap().boot_by_http(&url, &Context::new()).await.unwrap();
    println!("{report}\n{}", report.console);
    report
}

#[tokio::test]
async fn the_live_release_decides_what_firmware_with_secure_boot_starts() {
    let (directory, context) = (TempDir::new().unwrap(), Context::new());
    let path = |name: &str| directory.path().join(name);
    let keys = TestKeys::generate("netboot tests", SystemTime::now()).unwrap();
    let db = keys.signer(SecureBootVariable::Signatures).unwrap();
    for name in ["one", "two"] {
        let unsigned = path(&format!("{name}-unsigned.efi"));
        uki(&format!("release={name}")).await.write(&unsigned, &context).await.unwrap();
        sign(&unsigned, path(&format!("{name}.efi")), &db, &context).await.unwrap();
    }
    for (tree, name) in [(DebianTree::SID_IPXE, "2.0"), (DebianTree::TRIXIE_IPXE, "1.21")] {
        let ipxe = tree.path("usr/lib/ipxe/ipxe-amd64.efi");
        sign(ipxe, path(name), &db, &context).await.unwrap();
    }

    let target = path("published");
    let publisher = Publisher::new(LocalStore::new(&target));
    let publish = async |uki: &str, ipxe: &str| {
        let release = release(&path(uki), &path(ipxe)).await;
        publisher.publish(&release, &context).await.unwrap();
    };
    publish("one.efi", "1.21").await;
    let server = DirectoryServer::start(&target).await.unwrap();
    let machine = Machine::builder()
        .firmware(Firmware::UefiSecureBoot)
        .firmware_keys(firmware_keys(&keys))
        .timeout(PATIENCE);
    let report = boot(machine.clone().expect("release=one"), &server).await;
    report.ensure_success().unwrap();
    assert!(report.locked_down, "{report}");
    assert!(report.console.contains("iPXE 1.21"), "{}", report.console);

    publish("two.efi", "2.0").await;
    let report = boot(machine.clone().expect("release=two"), &server).await;
    report.ensure_success().unwrap();
    assert!(report.console.contains("iPXE 2.0"), "{}", report.console);

    publish("two-unsigned.efi", "2.0").await;
    let refused = machine.expect("worker: starting the kernel failed");
    let report = boot(refused, &server).await;
    report.ensure_success().unwrap();
    assert!(!report.console.contains("NETBOOT-BOOTED"), "{}", report.console);
}
