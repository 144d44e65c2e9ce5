//! Streams of the events of jobs: their number, and what they cost.

use std::fs;
use std::net::IpAddr;
use std::time::Instant;

use reqwest::StatusCode;
use rustix::process::Signal;
use serde_json::json;

use crate::service::{PATIENCE, Place};

#[tokio::test]
async fn event_streams_are_limited_and_one_peer_has_only_a_share() {
    let place = Place::new("streams");
    place.configure("[deployer.limits]\nevent-streams = 8\n");
    let gate = place.write_gated_flake("gated");
    let service = place.start();
    let id = service.submit(json!({"kind": "build", "profiles": ["worker"]})).await;
    let events = format!("/api/jobs/{id}/events");
    let mut streams = Vec::new();
    for _ in 0..2 {
        streams.push(service.get(&events).send().await.unwrap());
    }
    assert!(streams.iter().all(|stream| stream.status() == StatusCode::OK));
    let refused = service.get(&events).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.text().await.unwrap().contains("limits.event-streams"));
    let other =
        reqwest::Client::builder().local_address(IpAddr::from([127, 0, 0, 2])).build().unwrap();
    let other = other.get(format!("{}{events}", service.url)).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK, "another peer has its own share");
    // A place is free when its stream has ended.
    fs::write(gate, "").unwrap();
    service.finished(&id).await;
    for stream in streams {
        stream.bytes().await.unwrap();
    }
    // The service notes the end a moment after its last byte.
    let begin = Instant::now();
    while service.get(&events).send().await.unwrap().status() != StatusCode::OK {
        assert!(begin.elapsed() < PATIENCE, "no place is free");
    }
}

#[tokio::test]
async fn the_log_of_a_finished_job_is_read_once_and_kept_out_of_memory() {
    const COUNT: usize = 20_000;
    let place = Place::new("streams");
    let service = place.start();
    let id = service.submit(json!({"kind": "rollback", "to": "previous"})).await;
    service.finished(&id).await;
    service.end(Signal::TERM);
    // The log of a long build: 40 MB.
    let line = |number: usize| {
        let event = json!({"event": "log", "profile": null, "origin": "builder",
                           "line": "x".repeat(2000)});
        let mut entry = json!({"id": number, "at": "2026-01-31T12:00:00Z"});
        let event = event.as_object().unwrap().clone();
        entry.as_object_mut().unwrap().extend(event);
        format!("{entry}\n")
    };
    let text: String = (1..=COUNT).map(line).collect();
    fs::write(place.path(&format!("state/jobs/{id}.events")), &text).unwrap();

    let service = place.start();
    let events = format!("/api/jobs/{id}/events");
    let before = service.measured("status", "VmRSS");
    // Clients that read no further than the first events.
    let mut slow = Vec::new();
    for _ in 0..16 {
        let mut stream = service.get(&events).send().await.unwrap();
        assert!(stream.chunk().await.unwrap().unwrap().starts_with(b"id:"));
        slow.push(stream);
    }
    let used = service.measured("status", "VmHWM") - before;
    assert!(used < 30_000, "16 streams of 40 MB use {used} kB");
    drop(slow);

    let read = service.measured("io", "rchar");
    for last in (COUNT - 100..COUNT).chain([COUNT]) {
        let request = service.get(&events).header("Last-Event-ID", last.to_string());
        let response = request.send().await.unwrap();
        if last == COUNT {
            assert_eq!(response.status(), StatusCode::NO_CONTENT);
        } else {
            let text = response.text().await.unwrap();
            assert_eq!(text.matches("data:").count(), COUNT - last);
        }
    }
    let read = service.measured("io", "rchar") - read;
    assert!(read < 2 * text.len() as u64, "101 polls read {read} bytes");
}
