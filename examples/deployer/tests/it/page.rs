//! The status page: what it shows, what it links to, and the commands that it gives.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::service::{MACHINES, NODE01, Place, SITES, Service, TOKEN};
use crate::small_release;

const STRANGER: &str = "mac=52-54-00-00-00-99";

/// The page that answers this query.
pub(crate) async fn page(service: &Service, query: &str) -> String {
    let response = service.get(&format!("/{query}")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{query}");
    response.text().await.unwrap()
}

/// The parts of a text between two others.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}

/// The text that a browser shows for a piece of HTML without tags.
fn shown(html: &str) -> String {
    let named = [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    named.iter().fold(html.to_owned(), |text, (name, sign)| text.replace(name, sign))
}

/// The commands of a page or of a part of it.
fn commands(page: &str) -> Vec<String> {
    between(page, "<code class=\"command\">", "</code>").into_iter().map(shown).collect()
}

/// The number of a state in the summary, and true if it has a colour.
fn count(page: &str, word: &str, label: &str) -> (usize, bool) {
    let tile = between(page, "<a class=\"card", "</a>");
    let tile = tile.iter().find(|tile| tile.contains(&format!("<small>{label}</small>"))).unwrap();
    assert!(tile.contains(&format!("href=\"?q=is:{word}\"")), "{tile}");
    let number = between(tile, "<b class=\"tone\">", "</b>")[0].parse().unwrap();
    (number, tile.starts_with(&format!(" {word}\"")))
}

/// The names of the machines in a page, in its order.
fn machines(page: &str) -> Vec<&str> {
    between(page, "<a class=\"name\" href=\"api/machines/", "\"")
}

#[tokio::test]
async fn the_page_is_one_document_and_reading_needs_no_token() {
    let place = Place::new("page");
    place.configure(MACHINES);
    let service = place.start();
    let response = service.get("/").send().await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let page = response.text().await.unwrap();
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
    for tag in ["script", "style"] {
        let texts = between(&page, &format!("<{tag}>"), &format!("</{tag}>"));
        assert_eq!((texts.len(), page.matches(&format!("<{tag}")).count()), (1, 1), "{tag}");
        let digest = STANDARD.encode(Sha256::digest(texts[0]));
        assert!(policy.contains(&format!("{tag}-src 'sha256-{digest}';")), "{policy}");
    }
    for outside in ["src=", "url(", "@import", "<link", "<iframe", "style=\"", "innerHTML"] {
        assert!(!page.contains(outside), "{outside} in:\n{page}");
    }
    // Without scripts, it reloads itself, and the filter is a form.
    assert!(page.contains("<noscript><meta http-equiv=\"refresh\""), "{page}");
    assert!(page.contains("<form role=\"search\">") && page.contains("name=\"q\""), "{page}");
}

#[tokio::test]
async fn every_link_leads_somewhere_also_behind_a_proxy_with_a_path() {
    let place = Place::new("page");
    place.configure(MACHINES);
    let service = place.start();
    let job = service.submit(json!({"kind": "rollback", "to": "previous"})).await;
    service.finished(&job).await;
    service.report(&format!("stage=failed&{STRANGER}"), "127.0.0.1").await;
    let page = page(&service, "").await;
    let links: Vec<&str> = between(&page, "href=\"", "\"").into_iter().collect();
    for wanted in [
        "api/machines",
        "api/releases",
        "api/jobs",
        "healthz",
        "api/jobs/1",
        "api/jobs/1/events",
        "api/machines/node01",
        "api/machines/52:54:00:00:00:99",
        "?q=is:attention",
    ] {
        assert!(links.contains(&wanted), "{wanted}: {links:?}");
    }
    for link in links {
        if let Some(id) = link.strip_prefix('#') {
            assert!(page.contains(&format!("id=\"{id}\"")), "{link}");
            continue;
        }
        assert!(!link.starts_with('/') && !link.contains("//"), "{link} is not relative");
        let answer = service.get(&format!("/{link}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{link}");
    }
}

#[tokio::test]
async fn counts_are_calm_at_zero_and_an_unknown_machine_that_failed_needs_attention() {
    let place = Place::new("page");
    place.configure(MACHINES);
    let service = place.start();
    let before = page(&service, "").await;
    for (word, label) in [("up", "Up"), ("booting", "Booting"), ("attention", "Needs attention")] {
        assert_eq!(count(&before, word, label), (0, false), "{label}");
    }
    assert_eq!(count(&before, "unseen", "Not seen yet").0, 3);
    assert!(before.contains("<title>Deployer</title>"), "{before}");
    assert!(!before.contains("<small>Menu or local disk</small>"), "{before}");

    service.report(&format!("stage=kernel&{NODE01}"), "127.0.0.1").await;
    service.report(&format!("stage=failed&{STRANGER}"), "127.0.0.1").await;
    let after = page(&service, "").await;
    assert_eq!(count(&after, "booting", "Booting"), (1, true));
    assert_eq!(count(&after, "attention", "Needs attention"), (1, true));
    assert_eq!(count(&after, "up", "Up"), (0, false));
    assert_eq!(count(&after, "unseen", "Not seen yet").0, 2);
    assert!(after.contains("<title>(1!) Deployer</title>"), "{after}");
    // One spelling of MAC addresses, and those that need attention come first.
    assert!(!after.contains("52-54-00-00-00-99</a>"), "{after}");
    assert_eq!(machines(&after), ["node01", "node02", "node03", "52:54:00:00:00:99"]);
    service.report("stage=failed&machine=node03&mac=52:54:00:00:00:03", "127.0.0.1").await;
    let last = page(&service, "").await;
    assert_eq!(machines(&last)[..2], ["node03", "node01"]);
    assert_eq!(count(&last, "attention", "Needs attention"), (2, true));
}

#[tokio::test]
async fn a_failed_job_shows_its_hint_and_the_command_that_repeats_it() {
    let place = Place::new("page");
    let service = place.start();
    let request = json!({"kind": "rollback", "to": "previous"});
    let id = service.submit(request.clone()).await;
    let job = service.finished(&id).await;
    let before = page(&service, "").await;
    let row = between(&before, "id=\"job-1\"", "</li>")[0];
    let of_job = |name: &str| job["errors"][0][name].as_str().unwrap().to_owned();
    assert!(shown(row).contains(&of_job("error")), "{row}");
    assert!(shown(row).contains(&format!("What to do: {}.", of_job("hint"))), "{row}");

    let [command] = &commands(row)[..] else { panic!("{row}") };
    let run = |token: &str| {
        let shell = Command::new("sh").args(["-c", command]).env("TOKEN", token).output().unwrap();
        (shell.status.success(), String::from_utf8(shell.stdout).unwrap())
    };
    assert!(!run("a-token-that-is-wrong").0, "it fails, as the job did not start");
    let (succeeded, said) = run(TOKEN);
    assert!(succeeded, "{command}: {said}");
    let again: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&again["id"], &again["kind"], &again["to"]),
        (&json!("2"), &request["kind"], &request["to"])
    );
    // A job that succeeded needs no repetition.
    let succeeding = service.succeeds(json!({"kind": "build", "profiles": ["worker"]})).await;
    let after = page(&service, "").await;
    let row =
        between(&after, &format!("id=\"job-{}\"", succeeding["id"].as_str().unwrap()), "</li>");
    assert!(commands(row[0]).is_empty(), "{}", row[0]);
}

#[tokio::test]
async fn the_header_has_the_age_and_the_flake_and_a_rollback_is_one_command_away() {
    let place = Place::new("page");
    let publisher = place.publisher(SITES[0]);
    let text = std::fs::read_to_string(place.path("netboot.toml")).unwrap();
    let flake = format!("reference = 'path:{}'", place.path("flake").display());
    assert!(text.contains(&flake), "{text}");
    let secret = "reference = 'git+https://operator:hunter2@example.org/infrastructure'";
    place.write_configuration(&text.replace(&flake, secret));
    let service = place.start();
    let empty = page(&service, "").await;
    assert!(empty.contains("No release is live"), "{empty}");
    assert!(commands(&empty)[0].contains(r#"{"kind":"deploy","profiles":[],"prove":false}"#));
    assert!(empty.contains("example.org/infrastructure") && !empty.contains("hunter2"), "{empty}");

    // The other publisher has both too.
    let mut releases = Vec::new();
    for profiles in [&["worker"][..], &["worker", "control-plane"]] {
        let renderer = small_release::renderer;
        for site in SITES {
            small_release::publish(&place.publisher(site), renderer(), profiles).await;
        }
        releases.push(publisher.live().await.unwrap().unwrap());
    }
    let [first, second] = &releases[..] else { panic!("{releases:?}") };
    let before = page(&service, "").await;
    let header = between(&before, "<header>", "</header>")[0];
    for text in [&second.short(), "activated", "control-plane"] {
        assert!(header.contains(text), "no {text} in {header}");
    }
    assert!(["just now", " s ago"].iter().any(|age| header.contains(age)), "{header}");
    let history = between(&before, "id=\"releases\"", "</section>")[0];
    let rows = between(history, "id=\"release-", "</li>");
    assert_eq!(rows.len(), 2, "{history}");
    assert!(rows[0].contains(&second.short()) && rows[0].contains(">live<"), "{history}");
    assert!(commands(rows[0]).is_empty(), "it is live: {history}");
    assert!(rows[1].contains(&first.short()) && rows[1].contains("previous"), "{history}");
    let [command] = &commands(rows[1])[..] else { panic!("{history}") };
    let shell = Command::new("sh").args(["-c", command]).env("TOKEN", TOKEN).output().unwrap();
    let job: Value = serde_json::from_slice(&shell.stdout).unwrap();
    let job = service.finished(job["id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(service.live().await, json!(first));
    let after = page(&service, "").await;
    assert!(between(&after, "<header>", "</header>")[0].contains("rolled back"), "{after}");
}

#[tokio::test]
async fn a_machine_is_found_by_words_in_any_spelling_among_five_hundred() {
    let place = Place::new("page");
    let mut known = String::new();
    for number in 0..500 {
        let rack = number / 20;
        let _ = writeln!(
            known,
            "[[machines.known]]\nname = 'node{number:03}'\nprofile = 'worker'\n\
             match = {{ mac = '52:54:00:aa:{:02x}:{:02x}' }}\n\
             labels = {{ rack = 'r{rack}' }}",
            number / 256,
            number % 256
        );
    }
    place.configure(&known);
    let service = place.start();
    service.report("stage=kernel&mac=52:54:00:aa:00:07", "127.0.0.1").await;
    let begin = Instant::now();
    let all = page(&service, "").await;
    assert_eq!(machines(&all).len(), 500);
    assert!(all.len() < 1_000_000, "{} bytes in {:?}", all.len(), begin.elapsed());
    for (query, expected) in [
        ("?q=NODE123", &["node123"][..]),
        ("?q=52:54:00:AA:01:03", &["node259"]),
        ("?q=52-54-00-aa-01-03", &["node259"]),
        ("?q=525400aa0103", &["node259"]),
        (
            "?q=rack%3Dr24+node49",
            &[
                "node490", "node491", "node492", "node493", "node494", "node495", "node496",
                "node497", "node498", "node499",
            ],
        ),
        ("?q=is:booting", &["node007"]),
        ("?q=127.0.0.1", &["node007"]),
        ("?q=nowhere", &[]),
    ] {
        let found = page(&service, query).await;
        assert_eq!(machines(&found), expected, "{query}");
        assert_eq!(count(&found, "unseen", "Not seen yet").0, 499, "the summary has all: {query}");
    }
    // The script looks for the words in this text of each row, as the service does.
    let texts = between(&all, "data-find=\"", "\"");
    assert_eq!(texts.iter().filter(|text| text.contains("525400aa0103")).count(), 1);
    assert_eq!(texts.iter().filter(|text| text.contains("is:unseen")).count(), 499);
    let nothing = page(&service, "?q=nowhere").await;
    assert!(nothing.contains("No machine contains <q>nowhere</q>"), "{nothing}");
    // The API finds them by words too, and an unknown machine by any spelling of its address.
    let found = service.json("/api/machines?q=R24+525400AA01FF").await;
    assert!(found["machines"].as_array().unwrap().is_empty(), "there is no such address");
    let found = service.json("/api/machines?q=R24+NODE49").await;
    assert_eq!(found["machines"].as_array().unwrap().len(), 10);
    service.report(&format!("stage=dhcp&{STRANGER}"), "127.0.0.1").await;
    for spelling in ["52:54:00:00:00:99", "52-54-00-00-00-99"] {
        let machine = service.json(&format!("/api/machines/{spelling}")).await;
        assert_eq!(machine["name"], "52:54:00:00:00:99");
    }
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let evil = r#""'><script>alert(1)</script><img src=x onerror=alert(1)>"#;
    let place = Place::new("page");
    place.configure(&format!("{MACHINES}labels = {{ owner = {} }}\n", toml_string(evil)));
    let service = place.start();
    let encoded: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
    let report = format!("/report?stage=dhcp&{STRANGER}&profile={encoded}&uuid={encoded}");
    service.get(&report).send().await.unwrap();
    for query in ["", &format!("?q={encoded}"), "?q=owner"] {
        let page = page(&service, query).await;
        assert_eq!(page.matches("<script").count(), 1, "{query}: {page}");
        assert!(!page.contains("<img") && !page.contains("\"'>"), "{query}: {page}");
        assert!(page.contains("&lt;script&gt;alert(1)"), "{query}: {page}");
    }
}

/// A basic string of TOML.
fn toml_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
