//! `netboot prune`.

use crate::place::{Place, assert_documented};

#[tokio::test]
async fn releases_that_are_no_longer_needed_are_deleted() {
    let place = Place::directory();
    let target = place.target();
    let [first, second, third, fourth] = place.publish(["one", "two", "three", "four"]).await;
    let said = place.succeeds(&["prune", &target]);
    assert_eq!(said.stdout, "", "the grace time is a day: {said:#?}");
    assert!(said.stderr.contains("deleted 0 releases"), "{said:#?}");
    // By default, three releases are kept.
    let said = place.would_prune(&["prune", &target, "--grace", "0"], 1).stderr;
    assert!(
        said.contains("would delete 1 release and ") && said.contains(" would keep 3"),
        "{said}"
    );
    let object = place.succeeds(&["prune", &target, "--grace", "0", "--dry-run", "--json"]).json();
    assert_documented("prune", &object);
    assert_eq!(object["dry_run"], true);
    assert_eq!(object["deleted"], serde_json::json!([first.to_string()]));
    assert_eq!(place.publisher().await.releases().await.unwrap().len(), 4);
    place.would_prune(&["prune", &target, "--grace", "0", "--keep", "2"], 2);
    let said = place.succeeds(&["prune", &target, "--grace", "0", "--keep", "2"]);
    let deleted: std::collections::BTreeSet<&str> = said.stdout.lines().collect();
    let expected = [first.to_string(), second.to_string()];
    assert_eq!(deleted, expected.iter().map(String::as_str).collect());
    assert!(said.stderr.contains("deleted 2 releases"), "{said:#?}");
    let left = place.publisher().await.releases().await.unwrap();
    assert_eq!(left, [third, fourth].into());
}

#[tokio::test]
async fn the_configuration_says_how_many_releases_are_kept() {
    let place = Place::directory();
    place.publish(["one", "two", "three"]).await;
    let target = place.target();
    let file = format!("targets.local = {target:?}\n[retention]\nreleases = 2\ngrace-hours = 0\n");
    std::fs::write(place.path("netboot.toml"), file).unwrap();
    place.would_prune(&["prune", "local"], 1);
    place.would_prune(&["prune", "local", "--keep", "1"], 2);
    assert_eq!(place.succeeds(&["prune", "local", "--grace", "1", "--dry-run"]).stdout, "");
}

#[test]
fn a_mistyped_target_is_an_error_and_gets_no_file() {
    for place in Place::all() {
        for target in [place.target(), place.target_that_is_missing()] {
            for command in [&["prune"][..], &["prune", "--dry-run"], &["verify"]] {
                let said = place.fails(&[command, &[target.as_str()]].concat());
                assert_eq!(said.matches("what to do: ").count(), 1, "{said}");
            }
        }
        if place.published().exists() {
            let left = std::fs::read_dir(place.published()).unwrap().count();
            assert_eq!(left, 0, "{place:?}");
        }
    }
}
