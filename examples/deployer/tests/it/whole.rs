//! The whole service with real machines. It builds the test flake with real Nix, and stages, proves
//! and activates releases over its API. Virtual machines boot from it what the configuration says,
//! and report how far they came. Their consoles show a second release and a rollback.

use std::time::Instant;

use netboot_core::Context;
use netboot_qemu::{BootReport, Machine, NetworkAccess};
use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::service::{PATIENCE, Place, SITES, Service};

const WORKER: &str = "52:54:00:00:06:01";
const CONTROL_PLANE: &str = "52:54:00:00:06:02";
const STRANGER: &str = "52:54:00:00:06:99";

/// A place with the URL under which machines in QEMU reach this machine.
fn place() -> Place {
    let place = Place::new("first");
    let port = place.port.number();
    let at = |name: &str| place.path(name).display().to_string();
    place.write_configuration(&format!(
        r#"
[deployer]
listen = "127.0.0.1:{port}"
url = "http://10.0.2.2:{port}"
state-directory = "{}"
[flake]
reference = "path:{}"
[targets]
{} = "{}"
[proof]
expect = ["NETBOOT-READY"]
memory-mib = 512
[[machines.known]]
name = "node01"
match = {{ mac = "{WORKER}" }}
profile = "worker"
labels = {{ rack = "r1" }}
kernel-parameters = ["netboot.test=node01"]
[[machines.known]]
name = "node02"
match = {{ mac = "{CONTROL_PLANE}" }}
profile = "control-plane"
labels = {{ rack = "r2" }}
[deployer.hand-over]
ssh-key = "/etc/deployer/install key"
own-addresses = true
"#,
        at("state"),
        at("flake"),
        SITES[0],
        at(SITES[0]),
    ));
    place
}

/// Boots a machine from the URL that DHCP would name, until it has shown all these texts.
async fn boot(service: &Service, mac: &str, expected: &[&str]) -> BootReport {
    // It plays a machine of the rack, which reaches the service.
    let machine = Machine::builder().network_access(NetworkAccess::Unrestricted);
    let machine = machine.mac(mac).timeout(PATIENCE);
    let machine = expected.iter().fold(machine, |machine, text| machine.expect(*text));
    let url = format!("{}/boot", service.url).parse().unwrap();
    let report = machine.build().unwrap().boot(&url, &Context::new()).await.unwrap();
    println!("{mac}: {report}");
    assert!(report.missing.is_empty(), "{mac}: no {:?} in:\n{}", report.missing, report.console);
    report
}

/// Builds and stages two profiles, and returns the release.
async fn staged(service: &Service) -> String {
    let profiles = ["worker", "control-plane"];
    let built = service.succeeds(json!({ "kind": "build", "profiles": profiles })).await;
    let staged = service.succeeds(json!({ "kind": "stage", "build": built["id"] })).await;
    staged["result"].as_str().unwrap().to_owned()
}

/// The stages of a boot.
const BOOT: [&str; 5] = ["dhcp", "script", "kernel", "initrd", "init"];

/// The stages that a machine told, in order. A stage that it told again at once, because the answer
/// came late, counts once.
async fn stages(service: &Service, name: &str) -> (Vec<String>, Value) {
    let machine = service.json(&format!("/api/machines/{name}")).await;
    let reports = machine["reports"].as_array().unwrap();
    let stages = reports.iter().map(|report| report["stage"].as_str().unwrap().to_owned());
    let mut stages: Vec<String> = stages.collect();
    stages.dedup();
    (stages, machine)
}

#[tokio::test]
async fn from_a_flake_to_machines_that_run_and_back() {
    let begin = Instant::now();
    let step = |what: &str| println!("{:6.1} s {what}", begin.elapsed().as_secs_f64());
    let place = place();
    let service = place.start();
    let first = staged(&service).await;
    step("the first release is staged");
    service.succeeds(json!({ "kind": "prove", "release": first, "profile": "worker" })).await;
    step("it is proven");
    assert_eq!(service.live().await, Value::Null);
    // The machine that proved it booted the production scripts, and told this service nothing.
    let seen = service.json("/api/machines").await;
    let seen = seen["machines"].as_array().unwrap();
    assert!(seen.len() == 2 && seen.iter().all(|one| one["last"].is_null()), "{seen:#?}");
    service.succeeds(json!({ "kind": "activate", "release": first })).await;
    assert_eq!(service.live().await, first.as_str());

    // Three machines at the same time.
    let running = ["NETBOOT-GENERATION first", "NETBOOT-REPORTED init"];
    let worker = [&running[..], &["NETBOOT-READY worker"]].concat();
    let control_plane = [&running[..], &["NETBOOT-READY control-plane"]].concat();
    let refused = [
        "it is not known, and unknown machines are refused",
        "its MAC address 52:54:00:00:06:99",
        "trying again in",
    ];
    let (of_worker, _, of_stranger) = tokio::join!(
        boot(&service, WORKER, &worker),
        boot(&service, CONTROL_PLANE, &control_plane),
        boot(&service, STRANGER, &refused),
    );
    step("two machines run, and one is refused");
    let console = of_worker.console.replace(['\r', '\n'], "");
    assert!(console.contains("netboot.test=node01"), "{console}");
    assert!(!of_stranger.console.contains("Netboot starts"), "{}", of_stranger.console);

    for (name, profile) in [("node01", "worker"), ("node02", "control-plane")] {
        let (stages, machine) = stages(&service, name).await;
        assert_eq!(stages, BOOT, "{machine:#}");
        let reports = machine["reports"].as_array().unwrap();
        let script = reports.iter().find(|report| report["stage"] == "script").unwrap();
        assert_eq!(script["release"], first.as_str());
        assert_eq!(machine["last"]["profile"], profile);
    }
    let (stranger, _) = stages(&service, "52-54-00-00-06-99").await;
    assert_eq!(stranger[..2], ["dhcp", "refused"], "{stranger:?}");

    // An operator looks at the page, and wants to install a machine.
    let page = service.get("/").send().await.unwrap().text().await.unwrap();
    for text in ["node01", "rack=r1", "52:54:00:00:06:99", &first[..12]] {
        assert!(page.contains(text), "no {text} in:\n{page}");
    }
    // QEMU sends a guest's requests from this computer's own address, so the three machines look
    // like machines behind a NAT.
    for name in ["node01", "node02"] {
        let (status, problem) = service.plan(name).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem:#}");
        assert!(problem["error"].as_str().unwrap().contains("127.0.0.1"), "{problem:#}");
    }

    // The service restarts. The reports of machines are still there.
    let (status, said) = service.end(Signal::TERM);
    assert!(status.success(), "{status}: {said}");
    place.write_flake("second");
    let service = place.start();
    assert_eq!(stages(&service, "node01").await.0, BOOT);

    let second = staged(&service).await;
    assert_ne!(second, first);
    service.succeeds(json!({ "kind": "activate", "release": second })).await;
    step("the second release is live");
    let forgotten = service.change(Method::DELETE, "/api/machines/node01/claim");
    assert_eq!(forgotten.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let running = ["NETBOOT-GENERATION second", "NETBOOT-REPORTED init", "NETBOOT-READY worker"];
    boot(&service, WORKER, &running).await;
    step("a machine runs it");
    let (_, plan) = service.plan("node01").await;
    assert_eq!((&plan["ready"], &plan["target_host"]), (&json!(true), &json!("root@127.0.0.1")));
    let (_, machine) = stages(&service, "node01").await;
    let reports = machine["reports"].as_array().unwrap();
    // The entry script has no nonce yet.
    assert!(reports.iter().all(|one| one["verified"] == (one["stage"] != "dhcp")), "{machine:#}");
    let page = service.get("/").send().await.unwrap().text().await.unwrap();
    assert_eq!(
        page.matches("not the live release").count(),
        1,
        "only node02 runs the first: {page}"
    );
    service.succeeds(json!({ "kind": "rollback", "to": "previous" })).await;
    assert_eq!(service.live().await, first.as_str());
    let running = ["NETBOOT-GENERATION first", "NETBOOT-REPORTED init", "NETBOOT-READY worker"];
    boot(&service, WORKER, &running).await;
    step("and the first again");
    let (stages, machine) = stages(&service, "node01").await;
    assert_eq!(stages, BOOT.repeat(3), "{machine:#}");
    let reports = machine["reports"].as_array().unwrap();
    let running = reports.iter().filter(|report| report["stage"] == "init");
    let releases: Vec<&str> = running.map(|report| report["release"].as_str().unwrap()).collect();
    assert_eq!(releases, [first.as_str(), second.as_str(), first.as_str()], "{machine:#}");
}
