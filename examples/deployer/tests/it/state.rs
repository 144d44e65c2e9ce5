//! The service on bad days of its state directory: no space, no right to write, damaged records.
//! It starts, serves machines, tells what does not work, and deletes nothing.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::json;

use crate::service::{Place, SITES, Service};
use crate::small_release;

const MACHINE: &str = "[[machines.known]]\nname = 'node01'\nprofile = 'worker'\n\
                       match = { mac = '52:54:00:00:00:01' }\n";
const INIT: &str = "/report?stage=init&mac=52:54:00:00:00:01";

/// A place with a live release.
async fn place() -> Place {
    let place = Place::new("state");
    place.configure(MACHINE);
    let publisher = place.publisher(SITES[0]);
    small_release::publish(&publisher, small_release::renderer(), &["worker"]).await;
    place
}

/// The program with its state directory on a file system that `mount` makes. Only the program sees
/// this file system.
fn with_mount(place: &Place, mount: &str) -> Command {
    let plain = place.command();
    let mut command = Command::new("unshare");
    command.arg("--mount");
    if !rustix::process::getuid().is_root() {
        command.arg("--map-root-user");
    }
    let state = place.path("state");
    fs::create_dir_all(&state).unwrap();
    let script = format!("set -e; state='{}'; {mount}; exec \"$@\"", state.display());
    command.args(["sh", "-c", &script, "sh"]).arg(plain.get_program()).args(plain.get_args());
    let set = plain.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.envs(set).current_dir(plain.get_current_dir().unwrap());
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::piped()).process_group(0);
    command
}

async fn text(service: &Service, path: &str) -> String {
    let response = service.get(path).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

/// Checks that a machine boots and reports, whatever happened to the state directory.
async fn assert_serves_machines(service: &Service) {
    let script = text(service, "/boot?mac=52-54-00-00-00-01").await;
    assert!(script.contains("/published/"), "{script}");
    assert!(text(service, "/published/current.ipxe").await.starts_with("#!ipxe"));
    assert_eq!(text(service, INIT).await, "noted\n");
    let machine = service.json("/api/machines/node01").await;
    assert_eq!(machine["last"]["stage"], "init");
}

/// Checks that operators see these texts.
async fn assert_degraded(service: &Service, expected: &[&str]) {
    let health = text(service, "/healthz").await;
    assert!(health.starts_with("degraded\n"), "{health}");
    let page = text(service, "/").await;
    for expected in expected {
        assert!(health.contains(expected), "{expected}: {health}");
        assert!(page.contains(expected), "{expected}: {page}");
    }
}

async fn submit(service: &Service) -> StatusCode {
    let request = service.change(Method::POST, "/api/jobs");
    let body = json!({"kind": "rollback", "to": "previous"});
    request.json(&body).send().await.unwrap().status()
}

#[tokio::test]
async fn a_full_disk_at_a_restart_keeps_no_machine_from_booting() {
    let place = place().await;
    let full = "mount -t tmpfs -o size=64k tmpfs \"$state\"; \
                head -c 1M /dev/zero > \"$state/other\" 2> /dev/null || true";
    for mount in [full.to_owned(), format!("{full}; mkdir \"$state/jobs\" \"$state/reports\"")] {
        let service = Service::start(with_mount(&place, &mount));
        assert_serves_machines(&service).await;
        assert_degraded(&service, &["jobs are refused", "kept in memory only"]).await;
        assert_eq!(submit(&service).await, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(service.json("/api/jobs").await, json!([]));
        assert!(service.end(Signal::TERM).0.success());
    }
}

#[tokio::test]
async fn a_state_directory_that_cannot_be_written_keeps_no_machine_from_booting() {
    let place = place().await;
    let service = place.start();
    assert_serves_machines(&service).await;
    let job = service.submit(json!({"kind": "rollback", "to": "previous"})).await;
    service.finished(&job).await;
    assert_eq!(text(&service, "/healthz").await, "ok\n");
    service.end(Signal::TERM);

    let mount = "mount --bind \"$state\" \"$state\"; mount -o remount,bind,ro \"$state\"";
    let service = Service::start(with_mount(&place, mount));
    // Earlier reports and jobs are still known.
    let machine = service.json("/api/machines/node01").await;
    assert_eq!(machine["last"]["stage"], "init", "{machine:#}");
    assert_eq!(service.job(&job).await["state"], "failed");
    assert_serves_machines(&service).await;
    assert_degraded(&service, &["jobs are refused", "kept in memory only", "Read-only"]).await;
    assert_eq!(submit(&service).await, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_file_in_the_place_of_the_state_directory_keeps_no_machine_from_booting() {
    let place = place().await;
    fs::write(place.path("state"), "").unwrap();
    let service = place.start();
    assert_serves_machines(&service).await;
    assert_degraded(&service, &["state directory: ", "jobs are refused"]).await;
    assert_eq!(submit(&service).await, StatusCode::INTERNAL_SERVER_ERROR);
    // The operator puts it right. No restart is needed.
    fs::remove_file(place.path("state")).unwrap();
    assert_eq!(submit(&service).await, StatusCode::ACCEPTED);
    assert_eq!(text(&service, INIT).await, "noted\n");
    let health = text(&service, "/healthz").await;
    assert!(!health.contains("jobs are refused") && !health.contains("in memory"), "{health}");
    drop(service);
    let machine = place.start().json("/api/machines/node01").await;
    assert!(machine["reports"].as_array().unwrap().len() >= 3, "{machine:#}");
}

#[tokio::test]
async fn damaged_records_are_set_aside_and_the_rest_goes_on() {
    let place = place().await;
    let service = place.start();
    assert_serves_machines(&service).await;
    let mut jobs = Vec::new();
    for _ in 0..4 {
        let job = service.submit(json!({"kind": "rollback", "to": "previous"})).await;
        service.finished(&job).await;
        jobs.push(job);
    }
    service.end(Signal::KILL);

    let path = |name: &str| place.path("state").join(name);
    let last = format!("jobs/{}.json", jobs[3]);
    let good = fs::read_to_string(path(&last)).unwrap();
    let newer = good.replacen('{', "{\"approved_by\": \"x\",", 1);
    fs::write(path(&format!("jobs/{}.json", jobs[0])), &good[..good.len() / 2]).unwrap();
    fs::write(path(&format!("jobs/{}.json", jobs[1])), "").unwrap();
    fs::write(path(&last), &newer).unwrap();
    let reports = fs::read(path("reports/reports.jsonl")).unwrap();
    let damaged = [&[0; 700], &reports[..], b"\n{\"machine\":{\"known\":\"no"].concat();
    fs::write(path("reports/reports.jsonl"), &damaged).unwrap();

    let service = place.start();
    let seen = service.json("/api/machines/node01").await;
    assert_eq!(seen["last"]["stage"], "init", "the undamaged reports are read: {seen:#}");
    assert_serves_machines(&service).await;
    let name = |job: &str| format!("{job}.json.damaged-1");
    let expected = [&name(&jobs[0]), &name(&jobs[1]), &name(&jobs[3])];
    let expected: Vec<&str> = expected.iter().map(|name| name.as_str()).collect();
    assert_degraded(&service, &expected).await;
    assert_degraded(&service, &["reports.jsonl.damaged-1"]).await;
    let listed = service.json("/api/jobs").await;
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed:#}");
    assert_eq!(fs::read_to_string(path(&format!("jobs/{}", name(&jobs[3])))).unwrap(), newer);
    assert!(fs::read(path("reports/reports.jsonl.damaged-1")).unwrap() == damaged);
    // The number of a job that is set aside is not given to another one.
    let next: u64 =
        service.submit(json!({"kind": "rollback", "to": "previous"})).await.parse().unwrap();
    assert!(next > jobs[3].parse().unwrap(), "{next}");
}

/// Replaces the year of all times in a file, as if the clock had been wrong when it was written.
fn set_year(path: &Path, year: &str) {
    let text = fs::read_to_string(path).unwrap();
    let is_time = |number: &i32| text.contains(&format!("\"{number}-"));
    let changed = (2020..2100).filter(is_time).fold(text.clone(), |text, number| {
        text.replace(&format!("\"{number}-"), &format!("\"{year}-"))
    });
    assert_ne!(changed, text);
    fs::write(path, changed).unwrap();
}

#[tokio::test]
async fn a_clock_that_was_far_ahead_hides_nothing_that_happens_after_it() {
    let place = place().await;
    let service = place.start();
    for _ in 0..40 {
        assert_eq!(text(&service, "/report?stage=kernel&mac=52:54:00:00:00:01").await, "noted\n");
    }
    assert_eq!(text(&service, "/report?stage=dhcp&mac=52:54:00:00:00:98").await, "noted\n");
    let one = service.submit(json!({"kind": "rollback", "to": "previous"})).await;
    service.finished(&one).await;
    service.end(Signal::TERM);
    set_year(&place.path("state/reports/reports.jsonl"), "2099");
    set_year(&place.path(&format!("state/jobs/{one}.json")), "2099");

    let mut service = place.start();
    assert_eq!(text(&service, INIT).await, "noted\n");
    assert_eq!(text(&service, "/report?stage=dhcp&mac=52:54:00:00:00:99").await, "noted\n");
    let two = service.submit(json!({"kind": "rollback", "to": "previous"})).await;
    service.finished(&two).await;
    for _ in 0..2 {
        let machine = service.json("/api/machines/node01").await;
        assert_eq!(machine["last"]["stage"], "init", "{machine:#}");
        // The times are those of the clock.
        let earlier = machine["reports"][30]["at"].as_str().unwrap();
        assert!(earlier.starts_with("2099"), "{machine:#}");
        let listed = service.json("/api/machines").await;
        assert_eq!(listed["machines"][1]["name"], "52:54:00:00:00:99", "{listed:#}");
        let jobs = service.json("/api/jobs").await;
        assert_eq!([&jobs[0]["id"], &jobs[1]["id"]], [&json!(two), &json!(one)]);
        service.end(Signal::TERM);
        service = place.start();
    }
}
