//! `netboot list`.

use std::fs;

use netboot_core::{ReleaseId, layout};
use netboot_publish::{MinisignKey, Signer};

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
    let row = |options: &[&str], release: ReleaseId| {
        let said = place.succeeds(&[&["list", &target][..], options].concat()).stdout;
        said.lines().find(|line| line.starts_with(&release.short())).unwrap().to_owned()
    };
    let third = place.stage("three").await;
    assert!(row(&canary, second).contains(" live by `current`"), "{}", row(&canary, second));
    assert!(row(&[], first).contains(" was live, live by `canary`"), "{}", row(&[], first));
    assert!(row(&canary, third).contains(" staged, not live"), "{}", row(&canary, third));
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
    let hint = "what to do: write a directory, `s3://BUCKET/PREFIX`, `oci://HOST/REPOSITORY`, ";
    assert!(said.stdout.is_empty() && said.stderr.contains(hint), "{said:#?}");
    place.succeeds(&["list", &place.target()]);
}

#[tokio::test]
async fn a_pointer_that_says_nothing_is_named() {
    let place = Place::directory();
    let [first, second] = place.publish(["one", "two"]).await;
    let pointer = place.published().join("nixos/current.ipxe");
    let text = fs::read_to_string(&pointer).unwrap();
    for (damaged, why) in [
        ("#!ipxe\necho mine\n".to_owned(), "`current.ipxe` in"),
        (text[..20].to_owned(), "was not written by netboot"),
        (text.replace(" activated ", " happened "), "the pointer `current.ipxe` cannot be"),
    ] {
        fs::write(&pointer, damaged).unwrap();
        let said = place.run(&["list", &place.target()]);
        assert_eq!(said.code, Some(1), "{said:#?}");
        assert!(said.stderr.contains(why) && said.stderr.contains("what to do: "), "{said:#?}");
        assert!(!said.stdout.contains("never live"), "{said:#?}");
        for release in [first, second] {
            let row = said.stdout.lines().find(|line| line.starts_with(&release.short())).unwrap();
            assert!(row.contains(" not known "), "{said:#?}");
        }
        let said = place.run(&["list", &place.target(), "--json"]);
        let object = said.json();
        assert_documented("list", &object);
        assert!(object["pointer_problem"].as_str().unwrap().contains("current.ipxe"), "{object}");
        assert_eq!(object["live"], serde_json::Value::Null);
        assert_eq!(object["releases"][0]["state"], "unknown");
    }
    // The list says what can be live again.
    fs::remove_file(&pointer).unwrap();
    place.succeeds(&["activate", &place.target(), &second.short()]);
    assert_eq!(
        place.succeeds(&["list", &place.target(), "--json"]).json()["live"],
        second.to_string()
    );
}

#[tokio::test]
async fn a_release_that_is_not_signed_is_not_called_damaged() {
    let place = Place::directory();
    let key = MinisignKey::generate().unwrap();
    fs::write(place.path("release.key"), key.to_file_text().unwrap()).unwrap();
    fs::write(place.path("release.pub"), key.public_key().as_str()).unwrap();
    let staged = place.stage("one").await;
    let list = ["list", &place.target(), "--key", "release.pub"];
    let said = place.succeeds(&list);
    assert!(said.stdout.contains("staged, never live, not trusted"), "{said:#?}");
    assert!(said.stderr.starts_with("warning: ") && !said.stderr.contains("error"), "{said:#?}");
    assert!(said.stderr.contains("publish the release again and sign it (`--sign FILE`)"));
    let listed = &place.succeeds(&[&list[..], &["--json"]].concat()).json()["releases"][0];
    assert_eq!((&listed["trusted"], &listed["whole"]), (&false.into(), &true.into()));
    // The hint.
    let signer = ["countersign", &place.target(), &staged.short(), "--sign", "release.key"];
    place.succeeds(&signer);
    let said = place.succeeds(&list);
    assert!(!said.stdout.contains("not trusted") && said.stderr.is_empty(), "{said:#?}");
}
