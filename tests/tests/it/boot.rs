//! Machines boot published releases, with real Nix, iPXE and kernels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use netboot_core::{Context, ProfileName, layout};
use netboot_publish::RollbackTo;
use netboot_qemu::{BootReport, DirectoryServer, Firmware};
use netboot_tests::{Site, assert_every_stage, boot};

const CONTROL_PLANE_SERVICES: [&str; 9] = [
    "chainfire",
    "flaredb",
    "iam",
    "plasmavmc",
    "novanet",
    "flashdns",
    "fiberlb",
    "lightningstor",
    "k8shost",
];

/// Asserts that the machine came up as `profile` of `generation`, with its services and command
/// line.
fn assert_booted(report: &BootReport, profile: &str, generation: &str, services: &[&str]) {
    report.ensure_success().unwrap();
    assert_every_stage(report);
    assert!(report.stages.values().is_sorted(), "{report}");
    let console = &report.console;
    for line in [format!("NETBOOT-PROFILE {profile}"), format!("NETBOOT-GENERATION {generation}")] {
        assert!(console.contains(&line), "no `{line}` in:\n{console}");
    }
    for service in services {
        let line = format!("NETBOOT-SERVICE {service} ok");
        assert!(console.contains(&line), "no `{line}` in:\n{console}");
    }
    let answered = console.matches("NETBOOT-SERVICE").count();
    assert_eq!(answered, services.len(), "other services than expected:\n{console}");
}

async fn boot_profile(profile: &str, firmware: Firmware, services: &[&str]) {
    let site = Site::new();
    let release = site.release("first", &[profile]).await;
    site.publisher().publish(&release, &Context::new()).await.unwrap();
    let server = DirectoryServer::start(site.published()).await.unwrap();

    let script = format!("{profile}/netboot.ipxe");
    let ready = format!("NETBOOT-READY {profile}");
    let report = boot(&server, &script, firmware, &[&ready]).await;

    assert_booted(&report, profile, "first", services);
    // The kernel's command line is exactly the one in the manifest.
    let image = &release.manifest().images()[&ProfileName::new(profile).unwrap()];
    let console = report.console.replace(['\r', '\n'], "");
    let (init, parameters) = (image.boot.init(), image.boot.kernel_parameters());
    assert!(console.contains(&format!("init={init}")), "{console}");
    for parameter in parameters {
        assert!(console.contains(parameter.as_str()), "no {parameter} in:\n{console}");
    }
    // The machine fetched the files of the layout, each blob completely.
    let id = release.id();
    for path in [
        script.clone(),
        "current.ipxe".to_owned(),
        format!("releases/{id}/{script}"),
        layout::blob(&image.kernel.sha256).to_string(),
        layout::blob(&image.initrds[0].sha256).to_string(),
    ] {
        let requests = server.requests();
        let path = format!("/{path}");
        assert!(
            requests.iter().any(|request| request.path == path && request.status == 200),
            "{path} was not fetched: {requests:?}"
        );
    }
}

#[tokio::test]
async fn control_plane_boots_by_bios_with_its_nine_services() {
    boot_profile("control-plane", Firmware::Bios, &CONTROL_PLANE_SERVICES).await;
}

#[tokio::test]
async fn all_in_one_boots_by_bios_with_its_nine_services() {
    boot_profile("all-in-one", Firmware::Bios, &CONTROL_PLANE_SERVICES).await;
}

#[tokio::test]
async fn worker_boots_by_bios_with_its_two_services() {
    boot_profile("worker", Firmware::Bios, &["plasmavmc", "novanet"]).await;
}

#[tokio::test]
async fn worker_boots_by_uefi() {
    boot_profile("worker", Firmware::Uefi, &["plasmavmc", "novanet"]).await;
}

#[tokio::test]
async fn the_menu_boots_its_default() {
    let site = Site::new();
    let release = site.release("first", &["worker", "control-plane"]).await;
    site.publisher().publish(&release, &Context::new()).await.unwrap();
    let server = DirectoryServer::start(site.published()).await.unwrap();

    let default = release.manifest().images().keys().next().unwrap().clone();
    assert_eq!(default.as_str(), "control-plane");
    let ready = format!("NETBOOT-READY {default}");
    let report = boot(&server, "boot.ipxe", Firmware::Bios, &[&ready]).await;
    assert_booted(&report, "control-plane", "first", &CONTROL_PLANE_SERVICES);
}

#[tokio::test]
async fn after_a_rollback_the_old_release_boots() {
    let site = Site::new();
    let context = Context::new();
    let publisher = site.publisher();
    let old = site.release("old", &["worker"]).await;
    publisher.publish(&old, &context).await.unwrap();
    let new = site.release("new", &["worker"]).await;
    publisher.publish(&new, &context).await.unwrap();
    assert_eq!(publisher.live().await.unwrap(), Some(*new.id()));
    let server = DirectoryServer::start(site.published()).await.unwrap();

    let script = "worker/netboot.ipxe";
    let ready = ["NETBOOT-READY worker"];
    let report = boot(&server, script, Firmware::Bios, &ready).await;
    assert_booted(&report, "worker", "new", &["plasmavmc", "novanet"]);

    publisher.rollback(RollbackTo::Previous, &context).await.unwrap();
    let report = boot(&server, script, Firmware::Bios, &ready).await;
    assert_booted(&report, "worker", "old", &["plasmavmc", "novanet"]);
}

#[tokio::test]
async fn a_machine_in_mid_boot_gets_the_release_it_began_with() {
    let site = Site::new();
    let context = Context::new();
    let first = site.release("first", &["worker"]).await;
    let second = site.release("second", &["worker"]).await;
    let publisher = Arc::new(site.publisher());
    publisher.publish(&first, &context).await.unwrap();

    // When the machine has the first release's script and asks for the kernel, publish the second
    // release before the kernel is served.
    let worker = ProfileName::new("worker").unwrap();
    let kernel = format!("/{}", layout::blob(&first.manifest().images()[&worker].kernel.sha256));
    let happened = Arc::new(AtomicBool::new(false));
    let server = {
        let (publisher, happened, second) = (publisher.clone(), happened.clone(), second.clone());
        DirectoryServer::builder(site.published())
            .on_request(move |path| {
                let is_kernel = path == kernel;
                let (publisher, happened) = (publisher.clone(), happened.clone());
                let second = second.clone();
                async move {
                    if is_kernel && !happened.swap(true, Ordering::SeqCst) {
                        publisher.publish(&second, &Context::new()).await.unwrap();
                    }
                }
            })
            .start()
            .await
            .unwrap()
    };
    let ready = ["NETBOOT-READY worker"];
    let report = boot(&server, "worker/netboot.ipxe", Firmware::Bios, &ready).await;
    assert!(happened.load(Ordering::SeqCst));
    assert_eq!(publisher.live().await.unwrap(), Some(*second.id()));
    assert_booted(&report, "worker", "first", &["plasmavmc", "novanet"]);

    // The next machine gets the second release.
    let report = boot(&server, "worker/netboot.ipxe", Firmware::Bios, &ready).await;
    assert_booted(&report, "worker", "second", &["plasmavmc", "novanet"]);
}
