//! Nobody decides where an install plan formats disks but the machine itself. Each test is an
//! attack from another address.

use std::fs;

use reqwest::header::{HOST, HeaderName};
use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::service::{MACHINES, NODE01, Place, SITES, Service};
use crate::small_release;

const HONEST: &str = "127.0.0.11";
const ATTACKER: &str = "127.0.0.66";

/// A place with a live release, whose install plans may name loopback addresses.
async fn place() -> Place {
    let place = Place::new("spoofing");
    place.configure(&format!("{MACHINES}[deployer.hand-over]\nown-addresses = true\n"));
    let publisher = place.publisher(SITES[0]);
    small_release::publish(&publisher, small_release::renderer(), &["worker"]).await;
    place
}

/// Boots the machine of this query at this address until its system runs.
async fn comes_up(service: &Service, query: &str, at: &str) -> String {
    let nonce = service.boot(query, at).await;
    service.report(&format!("nonce={nonce}&stage=init&{query}"), at).await;
    nonce
}

async fn target(service: &Service, machine: &str) -> Value {
    let (status, plan) = service.plan(machine).await;
    assert_eq!(status, StatusCode::OK, "{plan:#}");
    assert_eq!(plan["ready"], true, "{plan:#}");
    plan["target_host"].clone()
}

/// Checks that a plan is refused for a reason with these words, and with a remedy.
async fn refused(service: &Service, machine: &str, words: &[&str]) {
    let (status, problem) = service.plan(machine).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem:#}");
    let error = problem["error"].as_str().unwrap();
    assert!(words.iter().all(|word| error.contains(word)), "{words:?}: {error}");
    assert!(problem["hint"].as_str().unwrap().contains("address"), "{problem:#}");
}

#[tokio::test]
async fn reports_without_a_nonce_decide_nothing() {
    let place = place().await;
    let service = place.start();
    // A static script, or anybody, reports without a nonce.
    service.report(&format!("stage=init&machine=node01&{NODE01}"), ATTACKER).await;
    refused(&service, "node01", &["node01", "has not booted from this service"]).await;

    let nonce = comes_up(&service, NODE01, HONEST).await;
    let guessed = "0".repeat(32);
    for number in 0..40 {
        for report in [
            format!("stage=init&machine=node01&{NODE01}"),
            format!("stage=failed&machine=node01&mac=52:54:00:00:00:0{}", number % 10),
            format!("nonce={guessed}&stage=init&{NODE01}"),
            format!("nonce={}&stage=init&{NODE01}", &nonce[..30]),
            format!("nonce={nonce}00&stage=init&{NODE01}"),
            format!("nonce=&stage=init&machine=node01&mac=52-54-00-00-00-{number:02x}"),
        ] {
            service.report(&report, ATTACKER).await;
        }
    }
    assert_eq!(target(&service, "node01").await, format!("root@{HONEST}"));
    let machine = service.json("/api/machines/node01").await;
    let reports = machine["reports"].as_array().unwrap();
    let init =
        reports.iter().find(|report| report["verified"] == true && report["stage"] == "init");
    assert_eq!(init.unwrap()["address"], HONEST, "the flood does not displace it: {machine:#}");
    assert!(reports.iter().all(|one| one["verified"] == (one["address"] == HONEST)), "{machine:#}");
    let page = service.get("/").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("unverified"), "{page}");
}

#[tokio::test]
async fn a_conflict_outlives_every_flood_and_restart() {
    let place = place().await;
    let service = place.start();
    let nonce = comes_up(&service, NODE01, HONEST).await;
    comes_up(&service, NODE01, ATTACKER).await;
    let words = ["node01", HONEST, ATTACKER];
    refused(&service, "node01", &words).await;
    for number in 0..40 {
        service.report(&format!("stage=init&{NODE01}"), HONEST).await;
        service.report(&format!("nonce={nonce}&stage=init&{NODE01}"), HONEST).await;
        comes_up(&service, NODE01, &format!("127.0.1.{number}")).await;
        comes_up(&service, NODE01, ATTACKER).await;
    }
    refused(&service, "node01", &words).await;
    service.end(Signal::KILL);
    let service = place.start();
    refused(&service, "node01", &words).await;

    // An operator has looked into it.
    let path = "/api/machines/node01/claim";
    let anonymous = service.client.delete(format!("{}{path}", service.url)).send().await.unwrap();
    assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    refused(&service, "node01", &words).await;
    let forgotten = service.change(Method::DELETE, path).send().await.unwrap();
    assert_eq!(forgotten.status(), StatusCode::NO_CONTENT);
    service.report(&format!("nonce={nonce}&stage=init&{NODE01}"), HONEST).await;
    refused(&service, "node01", &["has not booted"]).await;
    comes_up(&service, NODE01, HONEST).await;
    assert_eq!(target(&service, "node01").await, format!("root@{HONEST}"));
}

#[tokio::test]
async fn a_nonce_outlives_a_restart_and_a_damaged_record_is_no_plan() {
    let place = place().await;
    let service = place.start();
    let nonce = service.boot(NODE01, HONEST).await;
    refused(&service, "node01", &["has not reported its init", HONEST]).await;
    service.end(Signal::KILL);
    let service = place.start();
    service.report(&format!("nonce={nonce}&stage=kernel&{NODE01}"), HONEST).await;
    service.report(&format!("nonce={nonce}&stage=init&{NODE01}"), HONEST).await;
    assert_eq!(target(&service, "node01").await, format!("root@{HONEST}"));
    service.end(Signal::KILL);
    let record = place.path("state/claims/node01.json");
    fs::write(&record, &fs::read(&record).unwrap()[..40]).unwrap();
    for _ in 0..2 {
        let service = place.start();
        refused(&service, "node01", &["node01", "damaged"]).await;
        let health = service.get("/healthz").send().await.unwrap().text().await.unwrap();
        assert!(health.contains("node01.json.damaged-1"), "{health}");
        service.boot(NODE01, ATTACKER).await;
        service.end(Signal::KILL);
    }
}

#[tokio::test]
async fn the_newest_answer_owns_an_address_and_a_card() {
    let place = place().await;
    let service = place.start();
    comes_up(&service, NODE01, "127.0.0.21").await;
    comes_up(&service, "serial=S-2&mac=52:54:00:00:00:02", "127.0.0.21").await;
    refused(&service, "node01", &["node01", "node02", "127.0.0.21"]).await;
    assert_eq!(target(&service, "node02").await, "root@127.0.0.21");
    // The card of node02 is in another machine now. The alphabet does not decide.
    comes_up(&service, "serial=S-3&mac=52-54-00-00-00-02", "127.0.0.22").await;
    refused(&service, "node02", &["node02", "node03", "52:54:00:00:00:02"]).await;
    service.report("stage=failed&mac=52:54:00:00:00:02", "127.0.0.22").await;
    let machine = service.json("/api/machines/node03").await;
    assert_eq!(machine["last"]["stage"], "failed", "{machine:#}");
    // The configuration gives this address to node03.
    comes_up(&service, NODE01, "127.0.0.33").await;
    refused(&service, "node01", &["node01", "node03", "127.0.0.33"]).await;
    refused(&service, "node03", &["node03", "node01", "127.0.0.33"]).await;
}

#[tokio::test]
async fn headers_name_no_address_and_no_service() {
    let place = place().await;
    let service = place.start();
    let nonce = service.boot(NODE01, HONEST).await;
    let forged = ["x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip"];
    let mut init = service.get(&format!("/report?nonce={nonce}&stage=init&{NODE01}"));
    for name in forged {
        init = init.header(HeaderName::from_static(name), HONEST);
    }
    assert_eq!(init.send().await.unwrap().status(), StatusCode::OK);
    let (_, plan) = service.plan("node01").await;
    assert_eq!(plan["target_host"], "root@127.0.0.1", "it is where the report came from: {plan:#}");
    assert!(plan["warning"].as_str().unwrap().contains(HONEST), "{plan:#}");
    // The service answers to this host, too, but scripts name the URL of the configuration.
    let request = service.get(&format!("/boot?{NODE01}")).header(HOST, "localhost");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let script = response.text().await.unwrap();
    assert!(script.contains("nonce=") && !script.contains("localhost"), "{script}");
}

#[tokio::test]
async fn a_nonce_is_shown_to_nobody_but_its_machine() {
    let place = place().await;
    let service = place.start();
    let nonce = comes_up(&service, NODE01, HONEST).await;
    assert_ne!(nonce, service.boot(NODE01, HONEST).await, "each answer has its own");
    for path in ["/", "/healthz", "/api/machines", "/api/machines/node01", "/api/releases"] {
        let text = service.get(path).send().await.unwrap().text().await.unwrap();
        assert!(!text.contains(&nonce), "{path}: {text}");
    }
    let (_, plan) = service.plan("node01").await;
    assert!(!plan.to_string().contains(&nonce), "{plan:#}");
    let (_, said) = service.end(Signal::TERM);
    assert!(!said.contains(&nonce), "{said}");
}

#[tokio::test]
async fn no_plan_formats_the_disks_of_the_service_itself() {
    let place = place().await;
    place.configure(&format!("{MACHINES}[deployer.hand-over]\n"));
    let service = place.start();
    comes_up(&service, NODE01, HONEST).await;
    refused(&service, "node01", &["node01", HONEST, "this computer itself"]).await;
    // Two machines of the configuration do not have one address.
    let twice =
        MACHINES.replace("serial = \"S-2\" }", "serial = \"S-2\" }\naddress = '127.0.0.33'");
    place.configure(&twice);
    let output = place.command().arg("--check").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("also the address of `node02`"), "{said}");
}

#[tokio::test]
async fn an_unknown_machine_takes_no_name() {
    let place = place().await;
    place.configure(&format!(
        "{MACHINES}[machines]\nunknown.profile = 'worker'\n[deployer.hand-over]\nown-addresses = true\n"
    ));
    let service = place.start();
    comes_up(&service, NODE01, HONEST).await;
    // It gets an image and a nonce, and claims a name in its reports.
    let nonce = service.boot("mac=52:54:00:00:00:99&serial=S-99", ATTACKER).await;
    for query in [
        format!("nonce={nonce}&stage=init&machine=node01"),
        format!("nonce={nonce}&stage=init&machine=node01&{NODE01}"),
        format!("nonce={nonce}&stage=init&machine=node02&mac=52:54:00:00:00:99"),
    ] {
        service.report(&query, ATTACKER).await;
    }
    assert_eq!(target(&service, "node01").await, format!("root@{HONEST}"));
    refused(&service, "node02", &["node02"]).await;
    let stranger = service.json("/api/machines/52-54-00-00-00-99").await;
    assert_eq!(stranger["last"]["verified"], json!(true), "{stranger:#}");
}
