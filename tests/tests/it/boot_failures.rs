//! With real iPXE, machines that cannot boot say why, and do not boot anything else.

use std::fs;
use std::time::Duration;

use netboot_core::{Context, ProfileName, Release, layout};
use netboot_ipxe::Renderer;
use netboot_qemu::{BootReport, BootStage, DirectoryServer, Firmware, Machine};
use netboot_testbed::with_enough_time;
use netboot_tests::{Site, boot};

/// Publishes a release of the worker whose scripts give up soon.
async fn publish_worker(site: &Site) -> Release {
    let images = site.build("first", &["worker"]).await;
    let renderer = Renderer::builder()
        .menu_timeout(Duration::from_secs(2))
        .attempts(2, Duration::from_secs(1))
        .build()
        .unwrap();
    let release = renderer.render_release(images).unwrap();
    site.publisher().publish(&release, &Context::new()).await.unwrap();
    release
}

#[tokio::test]
async fn a_payload_that_cannot_be_fetched_is_named_and_the_attempts_end() {
    let site = Site::new();
    let release = publish_worker(&site).await;
    let worker = ProfileName::new("worker").unwrap();
    let initrd = layout::blob(&release.manifest().images()[&worker].initrds[0].sha256);
    fs::remove_file(site.published().join(initrd.as_str())).unwrap();
    let server = DirectoryServer::start(site.published()).await.unwrap();

    let expected = ["worker does not start after 2 attempts: fetching initrd from"];
    let report = boot(&server, "worker/netboot.ipxe", Firmware::Bios, &expected).await;
    report.ensure_success().unwrap();
    assert!(!report.stages.contains_key(&BootStage::Initrd), "{report}");
    let path = format!("/{initrd}");
    let tries = server.requests().into_iter().filter(|request| request.path == path);
    assert_eq!(tries.map(|request| request.status).collect::<Vec<_>>(), [404, 404]);
}

#[tokio::test]
async fn a_machine_whose_profile_is_gone_waits_at_the_menu() {
    let site = Site::new();
    publish_worker(&site).await;
    // DHCP names a profile that the live release does not have.
    let entry = Renderer::builder().build().unwrap();
    let gateway = ProfileName::new("gateway").unwrap();
    let entry = entry.render_profile_entry(&gateway).unwrap();
    fs::create_dir(site.published().join("gateway")).unwrap();
    fs::write(site.published().join("gateway/netboot.ipxe"), entry).unwrap();
    let server = DirectoryServer::start(site.published()).await.unwrap();

    // The menu starts the worker after two seconds, unless the machine asked for another profile.
    let boot = async |limit| {
        let machine = Machine::builder()
            .timeout(limit)
            .expect("does not start gateway; its menu follows")
            .expect("Netboot starts worker")
            .build()
            .unwrap();
        machine.boot(&server.url("gateway/netboot.ipxe"), &Context::new()).await.unwrap()
    };
    let shows_the_menu = |report: &BootReport| report.console.contains("PlasmaCloud worker");
    let (report, _) = with_enough_time(Duration::from_secs(25), boot, shows_the_menu).await;
    assert!(report.console.contains("PlasmaCloud worker"), "no menu in:\n{}", report.console);
    assert_eq!(report.missing, ["Netboot starts worker"], "{report}");
    assert!(report.reached < BootStage::Kernel, "{report}");
}

#[tokio::test]
async fn an_init_that_is_not_in_the_initrd_is_seen_on_the_console() {
    let site = Site::new();
    let images = site.build("first", &["worker"]).await;
    let renderer = Renderer::builder().build().unwrap();
    let script = renderer.render_standalone(&images[0]).unwrap();
    let directory = site.work().join("pasted");
    fs::create_dir(&directory).unwrap();
    for artifact in images[0].payload() {
        let name = artifact.file_name().as_str();
        fs::copy(artifact.local_path().unwrap(), directory.join(name)).unwrap();
    }
    // The old runbook had an `init=` that nothing expands.
    let init = images[0].boot().init().as_str();
    let pasted = script.replace(init, "/nix/store/*/init");
    assert_ne!(pasted, script);
    fs::write(directory.join("netboot.ipxe"), pasted).unwrap();
    let server = DirectoryServer::start(&directory).await.unwrap();

    let report = boot(&server, "netboot.ipxe", Firmware::Bios, &["NETBOOT-READY"]).await;
    let error = report.ensure_success().unwrap_err();
    assert!(report.console.contains("/nix/store/*/init not found"), "{}", report.console);
    assert_eq!(report.reached, BootStage::InitReached, "{report}");
    assert!(error.hint().is_some(), "{error}");
}
