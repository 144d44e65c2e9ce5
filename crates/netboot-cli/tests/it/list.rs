//! `netboot list`.

use std::fs;

use netboot_core::layout;

use crate::place::{Place, assert_documented};

#[tokio::test]
async fn the_table_says_what_is_live_was_live_and_waits() {
    let place = Place::directory();
    let [first, second] = place.publish(["one", "two"]).await;
    let staged = place.stage("three").await;
    let said = place.succeeds(&["list", &place.target()]);
    assert_eq!(said.stderr, "");
    let lines: Vec<&str> = said.stdout.lines().collect();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(lines[0]), "RELEASE STATE WHEN SIZE PROFILES");
    let expected = [(second, "live"), (first, "was live"), (staged, "staged, never live")];
    for ((release, state), line) in expected.into_iter().zip(&lines[1..]) {
        let line = words(line);
        assert!(line.starts_with(&format!("{} {state} ", release.short())), "{said:#?}");
        assert!(line.contains(" just now ") || line.contains(" ago "), "{said:#?}");
        assert!(line.ends_with(" B control-plane, worker") || line.contains(" KiB "), "{said:#?}");
    }
    assert_eq!(lines.len(), 4, "{said:#?}");
    // A rollback changes who is live, and the table has each release once.
    place.succeeds(&["rollback", &place.target()]);
    let said = place.succeeds(&["list", &place.target()]);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert!(lines[1].starts_with(&first.short()) && lines.len() == 4, "{said:#?}");
}

#[tokio::test]
async fn the_object_has_whole_ids_and_times_in_utc() {
    let place = Place::directory();
    let [first, second] = place.publish(["one", "two"]).await;
    let staged = place.stage("three").await;
    // Somebody deletes a kernel of the first release's own.
    let own = place.own_blob(&first, &second).await;
    fs::remove_file(place.published().join("nixos").join(own.as_str())).unwrap();

    let object = place.succeeds(&["list", &place.target(), "--json"]).json();
    assert_documented("list", &object);
    assert_eq!(object["live"], second.to_string());
    assert_eq!(object["pointer"], "current");
    let releases = object["releases"].as_array().unwrap();
    let expected = [(second, "live", true), (first, "was-live", false), (staged, "staged", true)];
    for ((release, state, whole), listed) in expected.into_iter().zip(releases) {
        assert_eq!(listed["release"], release.to_string());
        assert_eq!(listed["state"], state, "{listed}");
        assert_eq!(listed["whole"], whole, "{listed}");
        assert_eq!(listed["profiles"].as_array().unwrap().len(), 2, "{listed}");
        let objects = place.publisher().await.manifest(&release).await.unwrap().objects();
        let size: u64 = objects.values().map(|content| content.size).sum();
        assert_eq!(listed["size_bytes"], size);
        let when = if state == "staged" { "staged_at" } else { "activated_at" };
        humantime::parse_rfc3339(listed[when].as_str().unwrap()).unwrap();
    }
    let said = place.succeeds(&["list", &place.target()]).stdout;
    assert!(said.contains("was live, no longer whole"), "{said}");
}

#[tokio::test]
async fn a_release_whose_manifest_is_damaged_is_listed_with_the_reason() {
    let place = Place::directory();
    let [first, second] = place.publish(["one", "two"]).await;
    let path = layout::in_release(&first, &layout::manifest());
    fs::write(place.published().join("nixos").join(path.as_str()), "{}").unwrap();
    let said = place.succeeds(&["list", &place.target()]);
    let row = said.stdout.lines().find(|line| line.starts_with(&first.short())).unwrap();
    assert!(row.contains("no longer whole") && row.contains('?'), "{said:#?}");
    assert!(said.stderr.contains(&first.short()), "{said:#?}");
    let object = place.succeeds(&["list", &place.target(), "--json"]).json();
    assert_eq!(object["live"], second.to_string());
    assert!(object["releases"][1]["problem"].as_str().unwrap().contains("manifest"), "{object}");
}

#[tokio::test]
async fn each_pointer_has_its_own_history() {
    let place = Place::directory();
    let [first, second] = place.publish(["one", "two"]).await;
    let (target, canary) = (place.target(), ["--pointer", "canary"]);
    let short = first.short();
    place.succeeds(&["activate", &target, &short, canary[0], canary[1]]);
    let object = place.succeeds(&["list", &target, canary[0], canary[1], "--json"]).json();
    assert_eq!(object["live"], first.to_string());
    assert_eq!(object["pointer"], "canary");
    assert_eq!(place.live().await, Some(second));
}

#[tokio::test]
async fn a_target_without_anything_is_an_error() {
    for place in Place::all() {
        for target in [place.target(), place.target_that_is_missing()] {
            for command in ["list", "rollback"] {
                let said = place.fails(&[command, &target]);
                assert_eq!(said.matches("what to do: ").count(), 1, "{said}");
            }
            let output = place.run(&["list", &target, "--json"]);
            assert_eq!(output.code, Some(1), "{output:#?}");
            let error = &output.json()["error"];
            assert!(error["message"].is_string() && error["hint"].is_string(), "{error}");
        }
        // The hint: publish to it, or correct the path.
        let [live] = place.publish(["one"]).await;
        let object = place.succeeds(&["list", &place.target(), "--json"]).json();
        assert_eq!(object["live"], live.to_string());
    }
}

#[tokio::test]
async fn a_text_that_is_no_target_is_refused() {
    let place = Place::directory();
    place.publish(["one"]).await;
    let said = place.run(&["list", "ftp://boot.example.org/nixos"]);
    assert_ne!(said.code, Some(0), "{said:#?}");
    let hint = "what to do: write a directory, `s3://BUCKET/PREFIX`, `USER@HOST:/PATH`";
    assert!(said.stdout.is_empty() && said.stderr.contains(hint), "{said:#?}");
    place.succeeds(&["list", &place.target()]);
}
