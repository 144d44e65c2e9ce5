//! The requests by which the status page keeps itself up to date.

use reqwest::StatusCode;
use serde_json::json;

use crate::page::page;
use crate::service::{MACHINES, NODE01, Place};

#[tokio::test]
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let place = Place::new("page");
    place.configure(MACHINES);
    let service = place.start();
    let first = service.get("/").send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    let ask = || service.get("/").header("if-none-match", tag.clone()).send();
    let unchanged = ask().await.unwrap();
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(unchanged.text().await.unwrap(), "");
    // Another client has another address in its commands.
    let other = service.get("/").header("host", "192.0.2.1").header("if-none-match", tag.clone());
    assert_eq!(other.send().await.unwrap().status(), StatusCode::OK);
    service.report(&format!("stage=init&{NODE01}"), "127.0.0.1").await;
    let changed = ask().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(changed.headers()["etag"], tag);
}

#[tokio::test]
async fn a_page_that_follows_a_job_gets_no_old_events() {
    let place = Place::new("page");
    let gate = place.write_gated_flake("gated");
    let service = place.start();
    let id = service.submit(json!({"kind": "build", "profiles": ["worker"]})).await;
    service.says(&id, "\"phase\":\"realising\"").await;
    let running = page(&service, "").await;
    assert!(running.contains(&format!("data-follow=\"{id}\"")), "{running}");
    let events = format!("/api/jobs/{id}/events");
    let latest = service.get(&format!("{events}?after=latest")).send().await.unwrap();
    std::fs::write(gate, "").unwrap();
    service.finished(&id).await;
    let latest = latest.text().await.unwrap();
    let all = service.get(&events).send().await.unwrap().text().await.unwrap();
    assert!(all.contains(latest.trim()) && latest.len() < all.len(), "{latest}\n{all}");
    assert!(latest.trim_end().ends_with("\"state\":\"succeeded\"}"), "{latest}");
    let over = service.get(&format!("{events}?after=latest")).send().await.unwrap();
    assert_eq!(over.text().await.unwrap().matches("data:").count(), 1);
    let wrong = service.get(&format!("{events}?after=yesterday")).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let over = page(&service, "").await;
    assert!(!over.contains("data-follow=\""), "{over}");
}
