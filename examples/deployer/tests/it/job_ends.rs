//! Jobs that are cancelled, interrupted or fail leave nothing behind.

use std::fs;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::service::{Place, SITES, files};

/// The line of a build whose kernel waits for the gate.
const BUILDING: &str = "\"phase\":\"realising\"";

#[tokio::test]
async fn a_cancelled_job_ends_its_builders_and_the_next_one_has_its_turn() {
    let place = Place::new("one");
    let gate = place.write_gated_flake("gated");
    let service = place.start();
    let first = service.submit(json!({"kind": "build", "profiles": ["worker"]})).await;
    service.says(&first, BUILDING).await;
    let second = service.submit(json!({"kind": "build", "profiles": ["worker"]})).await;
    let third = service.submit(json!({"kind": "build", "profiles": ["worker"]})).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(service.job(&second).await["state"], "queued");

    // A waiting job ends at once. A running job ends with all its processes.
    for id in [&third, &first] {
        let path = format!("/api/jobs/{id}");
        let response = service.change(Method::DELETE, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(service.finished(id).await["state"], "cancelled");
        let response = service.change(Method::DELETE, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CONFLICT, "the job has finished");
    }
    fs::write(gate, "").unwrap();
    assert_eq!(service.finished(&second).await["state"], "succeeded");
    service.end(Signal::TERM);
    place.assert_no_strays();
}

#[tokio::test]
async fn a_service_that_is_ended_goes_on_when_it_is_started_again() {
    let place = Place::new("one");
    let gate = place.write_gated_flake("gated");
    let text = fs::read_to_string(place.path("netboot.toml")).unwrap();
    place.write_configuration(&text.replace("grace-seconds = 5", "grace-seconds = 600"));
    let service = place.start();
    let id = service.submit(json!({"kind": "deploy", "profiles": ["worker"]})).await;
    service.says(&id, BUILDING).await;
    // A client that reads the events does not delay the end.
    let listener = service.get(&format!("/api/jobs/{id}/events")).send().await.unwrap();
    let listener = tokio::spawn(listener.text());
    let begin = Instant::now();
    let (status, said) = service.end(Signal::TERM);
    assert!(status.success(), "{status}: {said}");
    assert!(begin.elapsed() < Duration::from_secs(300), "{:?}", begin.elapsed());
    assert!(listener.await.unwrap().unwrap().contains(BUILDING));
    place.assert_no_strays();
    let record = fs::read_to_string(place.path(&format!("state/jobs/{id}.json"))).unwrap();
    assert!(record.contains("\"state\": \"queued\""), "{record}");

    fs::write(gate, "").unwrap();
    let service = place.start();
    let job = service.finished(&id).await;
    assert_eq!((&job["state"], &job["attempts"]), (&json!("succeeded"), &json!(2)), "{job:#}");
    assert_eq!(service.live().await, job["result"]);
}

#[tokio::test]
async fn a_job_that_cannot_be_written_down_ends_and_is_begun_anew_by_the_next_start() {
    let place = Place::new("one");
    let gate = place.write_gated_flake("gated");
    let service = place.start();
    let id = service.submit(json!({"kind": "build", "profiles": ["worker"]})).await;
    service.says(&id, BUILDING).await;
    let listener = service.get(&format!("/api/jobs/{id}/events")).send().await.unwrap();
    // This is like a full disk, except for files that are already open.
    let (there, away) = (place.path("state/jobs"), place.path("state/away"));
    fs::rename(&there, &away).unwrap();
    fs::write(gate, "").unwrap();
    let job = service.finished(&id).await;
    assert_eq!(job["state"], "failed");
    let error = job["errors"][0]["error"].as_str().unwrap();
    assert!(error.starts_with("cannot save the job: "), "{error}");
    assert!(
        listener.text().await.unwrap().contains("\"state\":\"failed\""),
        "clients see the failure"
    );
    let (_, said) = service.end(Signal::TERM);
    assert!(said.contains("cannot save its outcome"), "{said}");

    fs::rename(away, there).unwrap();
    let service = place.start();
    assert_eq!(service.finished(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn a_build_that_fails_says_why_and_what_to_do() {
    let place = Place::new("one");
    let flake = place.path("flake/flake.nix");
    fs::write(&flake, "{ outputs = { self }: { nixosConfigurations = { }; }; }").unwrap();
    let service = place.start();
    let id = service.submit(json!({"kind": "deploy", "profiles": ["worker"]})).await;
    let job = service.finished(&id).await;
    assert_eq!(job["state"], "failed");
    let error = &job["errors"][0];
    assert_eq!(error["profile"], "worker");
    assert!(error["error"].as_str().unwrap().contains("netboot-worker"), "{job:#}");
    assert!(!error["hint"].as_str().unwrap().is_empty(), "{job:#}");
    // A failed build cannot be staged.
    let stage = json!({"kind": "stage", "build": id});
    let response = service.change(Method::POST, "/api/jobs").json(&stage).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let problem: Value = response.json().await.unwrap();
    assert!(problem["error"].as_str().unwrap().contains("has no built images"), "{problem}");
    let absent = json!({"kind": "activate", "release": "0".repeat(64)});
    let job = service.finished(&service.submit(absent).await).await;
    assert!(job["errors"][0]["error"].as_str().unwrap().contains("not staged"), "{job:#}");
    let back = service.submit(json!({"kind": "rollback", "to": "previous"})).await;
    assert_eq!(service.finished(&back).await["state"], "failed");
}

#[tokio::test]
async fn where_one_publisher_fails_the_release_goes_live_nowhere() {
    let place = Place::new("one");
    let service = place.start();
    let deploy = json!({"kind": "deploy", "profiles": ["worker"]});
    let one = service.succeeds(deploy.clone()).await["result"].clone();

    // A file is in the place of Tokyo's directory.
    let [_, tokyo] = SITES.map(|site| place.path(site));
    fs::rename(&tokyo, place.path("away")).unwrap();
    fs::write(&tokyo, "").unwrap();
    place.write_flake("two");
    let job = service.finished(&service.submit(deploy.clone()).await).await;
    assert_eq!(job["state"], "failed");
    let error = job["errors"][0]["error"].as_str().unwrap();
    assert!(error.contains("tokyo: failed") && error.contains("osaka: staged"), "{error}");
    assert_eq!(service.live().await, one);

    fs::remove_file(&tokyo).unwrap();
    fs::rename(place.path("away"), &tokyo).unwrap();
    let two = service.succeeds(deploy).await["result"].clone();
    for site in SITES {
        let live = place.publisher(site).live().await.unwrap().unwrap();
        assert_eq!(json!(live), two);
    }
}

#[tokio::test]
async fn each_publisher_by_itself_if_the_configuration_says_so() {
    let place = Place::new("one");
    let text = fs::read_to_string(place.path("netboot.toml")).unwrap();
    place.write_configuration(
        &text.replace("[deployer]", "[deployer]\nactivation = 'each-by-itself'"),
    );
    let service = place.start();
    let [osaka, tokyo] = SITES;
    fs::write(place.path(tokyo), "").unwrap();
    let id = service.submit(json!({"kind": "deploy", "profiles": ["worker"]})).await;
    let job = service.finished(&id).await;
    assert_eq!(job["state"], "failed", "the release is not live everywhere");
    let error = job["errors"][0]["error"].as_str().unwrap();
    assert!(error.contains("live at 1 of 2 targets") && error.contains("tokyo: failed"), "{error}");
    assert_eq!(json!(place.publisher(osaka).live().await.unwrap()), job["result"]);
}

#[tokio::test]
async fn a_machine_that_nothing_would_boot_is_found_before_anything_is_built() {
    let place = Place::new("one");
    let machine = "[[machines.known]]\nname = 'node01'\nprofile = 'control-plane'\n\
                   match = { mac = '52:54:00:12:34:56' }\n";
    place.configure(machine);
    let service = place.start();
    let id = service.submit(json!({"kind": "deploy", "profiles": ["worker"]})).await;
    let job = service.finished(&id).await;
    assert_eq!((&job["state"], &job["built"]), (&json!("failed"), &Value::Null), "{job:#}");
    let error = job["errors"][0]["error"].as_str().unwrap();
    assert!(
        error.starts_with("node01 boots control-plane, which is not live and which"),
        "{error}"
    );
    service.succeeds(json!({"kind": "deploy", "profiles": ["worker", "control-plane"]})).await;
    // Now the release is live.
    service.succeeds(json!({"kind": "deploy", "profiles": ["worker"]})).await;
}

#[tokio::test]
async fn a_release_that_does_not_come_up_does_not_go_live() {
    let place = Place::new("one");
    place.configure("[proof]\nexpect = ['NETBOOT-GENERATION two']\nmemory-mib = 512\n");
    let service = place.start();
    let deploy = |prove: bool| json!({"kind": "deploy", "profiles": ["worker"], "prove": prove});
    let one = service.succeeds(deploy(false)).await["result"].clone();
    let absent = json!({"kind": "prove", "release": one, "profile": "control-plane"});
    let job = service.finished(&service.submit(absent).await).await;
    assert_eq!(job["state"], "failed", "there is no such image");

    // The tests of crashes have a release that comes up.
    place.write_flake("three");
    let job = service.finished(&service.submit(deploy(true)).await).await;
    assert_eq!(job["state"], "failed");
    assert!(job["result"].is_string() && job["going_live"] == false, "{job:#}");
    let error = job["errors"][0]["error"].as_str().unwrap();
    assert!(error.contains("worker") && error.contains("NETBOOT-GENERATION two"), "{error}");
    assert_eq!(service.live().await, one);
    service.end(Signal::INT);
    place.assert_no_strays();
    let left: Vec<_> = files(&place.path("state/jobs"));
    assert!(left.iter().all(|path| !path.to_string_lossy().contains(".new-")), "{left:?}");
}
