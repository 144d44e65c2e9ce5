//! Machines with closures report what stage 1 does. The page and the API show it while they boot.

use std::fs;

use netboot_closure::boot_parameter::HttpUrl;
use netboot_closure::console::{
    ConsoleLine, ConsoleText, FetchProblem, Item, StoreProgress, Warning,
};
use reqwest::StatusCode;

use crate::closure_site::{CARD, ClosureSite};
use crate::service::Service;

async fn page(service: &Service) -> String {
    service.get("/").send().await.unwrap().text().await.unwrap()
}

/// Sends a line as stage 1 does.
async fn say(service: &Service, nonce: Option<&str>, line: &ConsoleLine) -> StatusCode {
    let nonce = nonce.map(|nonce| format!("?nonce={nonce}")).unwrap_or_default();
    let report: HttpUrl = format!("{}/report{nonce}", service.url).parse().unwrap();
    let url = line.report_url(&report, &[CARD.parse().unwrap()]);
    service.client.get(url).send().await.unwrap().status()
}

fn progress(paths: u64) -> ConsoleLine {
    let progress = StoreProgress { paths, all_paths: 1000, ..StoreProgress::default() };
    ConsoleLine::Progress { progress }
}

#[tokio::test]
async fn the_real_stage_1_reports_a_boot_and_its_last_word() {
    let site = ClosureSite::new(&[300_000, 20_000, 4000, 100], "").await;
    let service = site.place.start();
    let machine = site.machine(&service).await;
    let (succeeded, lines) = machine.run().await;
    assert!(succeeded, "{lines:#?}");
    let seen = service.json("/api/machines/node01").await;
    assert_eq!(
        (&seen["last"]["stage"], &seen["last"]["verified"]),
        (&"store".into(), &true.into())
    );
    let store = &seen["store"];
    assert_eq!(store["progress"]["paths"], 4, "{seen:#}");
    let bytes = |name: &str| store["progress"][name].as_u64().unwrap();
    assert!(bytes("from_network") >= bytes("all_bytes"), "the index came too: {store:#}");
    assert_eq!(store["summary"]["retries"], 0);
    assert_eq!(store["form"], "tmpfs");
    let index = store["index"].as_str().unwrap();
    let text = page(&service).await;
    for shown in [index, "4 of 4 paths", "<progress value="] {
        assert!(text.contains(shown), "no {shown} in {text}");
    }
    // A restart forgets nothing.
    drop(service);
    let service = site.place.start();
    assert_eq!(service.json("/api/machines/node01").await["store"], *store);

    fs::remove_file(site.largest_blob()).unwrap();
    let machine = site.machine(&service).await;
    let booting = service.json("/api/machines/node01").await;
    assert!(booting["store"].is_null(), "a new boot has nothing yet: {booting:#}");
    let (succeeded, lines) = machine.run().await;
    assert!(!succeeded);
    let Some(ConsoleLine::Failed { failure }) = lines.last() else { panic!("{lines:#?}") };
    let failed = service.json("/api/machines?stage=failed").await;
    let failed = &failed["machines"][0];
    assert_eq!(failed["name"], "node01", "{failed:#}");
    assert_eq!(failed["store"]["failure"]["message"], failure.to_string());
    assert_eq!(failed["store"]["failure"]["hint"], failure.hint());
    assert!(failed["store"]["retries"].as_u64().unwrap() > 0);
    let text = page(&service).await;
    assert!(text.contains("What to do: publish the release again"), "{text}");
    assert!(text.contains("the server does not have it"), "{text}");
}

#[tokio::test]
async fn endless_progress_takes_no_room_and_displaces_nothing() {
    let site = ClosureSite::new(&[100], "").await;
    let service = site.place.start();
    let nonce = service.boot(&format!("mac={CARD}"), "127.0.0.1").await;
    let retry = ConsoleLine::Retry {
        item: Item::Index,
        attempt: 2,
        url: "http://127.0.0.1/blobs/a".parse().unwrap(),
        problem: FetchProblem::WrongDigest,
    };
    assert_eq!(say(&service, Some(&nonce), &retry).await, StatusCode::OK);
    let journal = site.place.path("state/reports/reports.jsonl");
    let written = fs::read_to_string(&journal).unwrap();
    for paths in 1..300 {
        assert_eq!(say(&service, Some(&nonce), &progress(paths)).await, StatusCode::OK);
    }
    assert_eq!(fs::read_to_string(&journal).unwrap(), written, "progress is not written");
    let seen = service.json("/api/machines/node01").await;
    let reports = seen["reports"].as_array().unwrap();
    let stages: Vec<_> = reports.iter().map(|report| report["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["script", "store"]);
    assert_eq!(
        (&seen["store"]["progress"]["paths"], &seen["store"]["retries"]),
        (&299.into(), &1.into())
    );
    // The next line takes the progress to the disk.
    assert_eq!(say(&service, Some(&nonce), &retry).await, StatusCode::OK);
    drop(service);
    let service = site.place.start();
    let after = service.json("/api/machines/node01").await;
    assert_eq!(after["store"]["progress"]["paths"], 299);
    assert_eq!(after["store"]["retries"], 2);
}

#[tokio::test]
async fn only_lines_of_stage_1_count_and_strangers_hide_none() {
    let site = ClosureSite::new(&[100], "").await;
    let service = site.place.start();
    let nonce = service.boot(&format!("mac={CARD}"), "127.0.0.1").await;
    // Linux may have another address than iPXE had.
    let url = progress(7).report_url(
        &format!("{}/report?nonce={nonce}", service.url).parse().unwrap(),
        &[CARD.parse().unwrap()],
    );
    let (_, query) = url.split_once('?').unwrap();
    service.report(query, "127.0.0.9").await;
    for line in [
        "",
        "&line=",
        "&line=all%20is%20well",
        "&line=netboot%20%7C%20finished%20in%201%20ms%20%23000000",
        "&stage=store&lines=x",
    ] {
        let query = format!("/report?nonce={nonce}&stage=store&mac={CARD}{line}");
        let status = service.get(&query).send().await.unwrap().status();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{line}");
    }
    // Lines without a nonce are the word of anybody.
    let reason = ConsoleText::new("<script>alert(1)</script>");
    let warning = Warning::ReportNotDelivered { reason };
    for line in [progress(999), ConsoleLine::Warning { warning }] {
        assert_eq!(say(&service, None, &line).await, StatusCode::OK);
    }
    let seen = service.json("/api/machines/node01").await;
    assert_eq!(seen["store"]["progress"]["paths"], 7, "{seen:#}");
    assert_eq!(seen["last"]["verified"], false);
    let text = page(&service).await;
    assert!(!text.contains("<script>alert"), "{text}");
    assert_eq!(text.matches("<script").count(), 1, "the page has one of its own: {text}");
    // They do not pile up either.
    for _ in 0..100 {
        assert_eq!(say(&service, None, &progress(999)).await, StatusCode::OK);
    }
    let seen = service.json("/api/machines/node01").await;
    assert_eq!(seen["reports"].as_array().unwrap().len(), 3, "{seen:#}");
}
