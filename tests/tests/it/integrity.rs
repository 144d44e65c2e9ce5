//! An iPXE with integrity checks (2.0, from Debian unstable) starts only unchanged files.

use std::fs;
use std::time::Duration;

use ipxe_script::IpxeBuild;
use netboot_core::{Context, ProfileName, layout};
use netboot_ipxe::Renderer;
use netboot_qemu::{BootStage, DirectoryServer, Firmware, Machine, MachineBuilder};
use netboot_testbed::{DebianTree, PATIENCE};
use netboot_tests::Site;

/// A UEFI machine that boots with the iPXE of Debian unstable.
fn machine() -> MachineBuilder {
    let ipxe = DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-amd64.efi");
    Machine::builder().firmware(Firmware::Uefi).ipxe(ipxe).timeout(PATIENCE)
}

#[tokio::test]
async fn a_payload_with_another_digest_is_refused_and_the_right_one_boots() {
    let site = Site::new();
    let images = site.build("whole", &["worker"]).await;
    let build: IpxeBuild = "sid-efi".parse().unwrap();
    let renderer = Renderer::builder()
        .ipxe_build(build)
        .check_digests(true)
        .attempts(2, Duration::from_secs(1))
        .build()
        .unwrap();
    let release = renderer.render_release(images).unwrap();
    site.publisher().publish(&release, &Context::new()).await.unwrap();
    let server = DirectoryServer::start(site.published()).await.unwrap();
    let url = server.url("worker/netboot.ipxe");

    let whole = machine().expect("NETBOOT-GENERATION whole").expect("NETBOOT-READY worker");
    let report = whole.build().unwrap().boot(&url, &Context::new()).await.unwrap();
    report.ensure_success().unwrap();

    // Flip one bit of the initrd at the target.
    let worker = ProfileName::new("worker").unwrap();
    let initrd = release.manifest().images()[&worker].initrds[0].sha256;
    let path = site.published().join(layout::blob(&initrd).as_str());
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();

    let damaged = machine()
        .expect("worker does not start after 2 attempts: comparing the SHA-256 of initrd from")
        .expect(format!("with {initrd}"));
    let report = damaged.build().unwrap().boot(&url, &Context::new()).await.unwrap();
    report.ensure_success().unwrap();
    assert!(!report.stages.contains_key(&BootStage::KernelStarted), "{report}");
}
