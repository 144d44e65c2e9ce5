//! From a flake to a machine that assembled its system: with a real Nix, iPXE and kernel.

use netboot_core::{Builder, Context, Image, ProfileSpec};
use netboot_ipxe::Renderer;
use netboot_qemu::{BootReport, DirectoryServer, Firmware, Machine, NetworkAccess};
use netboot_testbed::PATIENCE;
use netboot_tests::{Site, is_long};

async fn build(site: &Site, generation: &str) -> Image {
    let builder = site.closure_builder(&site.flake(generation));
    let profile = ProfileSpec::new("worker").unwrap();
    builder.build(&profile, &Context::new()).await.unwrap()
}

async fn publish(site: &Site, image: Image, server: &DirectoryServer) {
    let source = format!("http://10.0.2.2:{}/", server.address().port()).parse().unwrap();
    let renderer = Renderer::builder().closure_source(&source).unwrap().build().unwrap();
    let release = renderer.render_release(vec![image]).unwrap();
    site.publisher().publish(&release, &Context::new()).await.unwrap();
}

async fn boot(server: &DirectoryServer, generation: &str) -> BootReport {
    let machine = Machine::builder()
        .firmware(Firmware::Bios)
        .network_access(NetworkAccess::Unrestricted)
        .expect(format!("NETBOOT-GENERATION {generation}"))
        .expect("NETBOOT-READY worker")
        .timeout(PATIENCE)
        .build()
        .unwrap();
    let url = server.url("worker/netboot.ipxe");
    let report = machine.boot(&url, &Context::new()).await.unwrap();
    println!("{report}");
    report.ensure_success().unwrap_or_else(|error| panic!("{error}\n{}", report.console));
    report
}

/// The worker of the test flake boots from its closure. After a change of its configuration, its
/// kernel and its initrd are the same, byte for byte.
#[tokio::test]
async fn a_flake_becomes_a_machine_that_assembled_its_closure() {
    let site = Site::new();
    std::fs::create_dir_all(site.published()).unwrap();
    let server = DirectoryServer::start(site.published()).await.unwrap();
    let first = build(&site, "first").await;
    publish(&site, first.clone(), &server).await;
    let report = boot(&server, "first").await;
    let summary = report.store.unwrap().summary.unwrap();
    let closure = first.closure().unwrap();
    assert_eq!(summary.paths, closure.blobs.len() as u64);
    assert_eq!(summary.from_network, closure.size());

    let second = build(&site, "second").await;
    let payload = |image: &Image| -> Vec<_> { image.payload().map(|file| file.sha256()).collect() };
    assert_eq!(payload(&first), payload(&second));
    let index = |image: &Image| image.closure().unwrap().index.sha256();
    assert_ne!(index(&first), index(&second));
    if is_long() {
        publish(&site, second, &server).await;
        boot(&server, "second").await;
    }
}
