//! A machine for 64-bit ARM boots a published release of an image that Nix built.

use netboot_core::{Architecture, Builder, Context, ProfileSpec};
use netboot_ipxe::Renderer;
use netboot_qemu::{DirectoryServer, Machine, MachineBuilder, QemuProver};
use netboot_testbed::{DebianTree, PATIENCE};
use netboot_tests::{Site, assert_every_stage};

const READY: &str = "NETBOOT-READY worker-aarch64";

fn machine() -> MachineBuilder {
    let ipxe = DebianTree::SID_IPXE.path("usr/lib/ipxe/ipxe-arm64.efi");
    Machine::builder().ipxe(ipxe).timeout(PATIENCE).expect(READY)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_arm_image_is_proven_where_it_is_staged_and_boots_where_it_is_published() {
    let (site, context) = (Site::new(), Context::new());
    let builder = site.builder(&site.flake_with_aarch64("first"));
    let profile = ProfileSpec::new("worker-aarch64").unwrap();
    let profile = profile.with_architecture(Architecture::Aarch64);
    let image = builder.build(&profile, &context).await.unwrap();
    let release = Renderer::builder().build().unwrap().render_release([image]).unwrap();

    // The prover learns the architecture from the image.
    let prover = QemuProver::new(|_| machine());
    let receipt = site.publisher().publish_proven(&release, &prover, &context).await.unwrap();
    assert!(receipt.proof.proofs["worker-aarch64"].console.contains(READY), "{receipt}");

    let server = DirectoryServer::start(site.published()).await.unwrap();
    let machine = machine().architecture(Architecture::Aarch64).build().unwrap();
    let url = server.url("worker-aarch64/netboot.ipxe");
    let report = machine.boot(&url, &context).await.unwrap();
    println!("{report}");
    report.ensure_success().unwrap();
    assert_every_stage(&report);
    for line in ["NETBOOT-SERVICE plasmavmc ok", "console=ttyAMA0,115200"] {
        assert!(report.console.contains(line), "no `{line}` in:\n{}", report.console);
    }
}
