//! `netboot activate`.

use crate::place::{Place, assert_documented};

#[tokio::test]
async fn a_staged_release_goes_live_by_the_first_digits_of_its_id() {
    let place = Place::directory();
    let [first] = place.publish(["one"]).await;
    let staged = place.stage("two").await;
    let said = place.succeeds(&["activate", &place.target(), &staged.to_string()[..6]]);
    assert_eq!(said.stdout, format!("{staged}\n"));
    let (release, previous) = (staged.short(), first.short());
    assert!(
        said.stderr.contains(&format!("release {release} is live in place of {previous}")),
        "{said:#?}"
    );
    assert_eq!(place.live().await, Some(staged));
    let object = place.succeeds(&["activate", &place.target(), &first.short(), "--json"]).json();
    assert_documented("activate", &object);
    assert_eq!(object["release"], first.to_string());
    assert_eq!(object["previous"], staged.to_string());
    assert_eq!(object["outcome"], "activated");
}

#[tokio::test]
async fn a_prefix_that_does_not_name_one_release_is_refused() {
    let place = Place::directory();
    let [live] = place.publish(["one"]).await;
    // Of 17 releases, two ids begin alike.
    let mut releases = vec![live];
    for number in 0..16 {
        releases.push(place.stage(&format!("{number}")).await);
    }
    let digit = |release: &netboot_core::ReleaseId| release.to_string()[..1].to_owned();
    let is_shared =
        |wanted: &String| releases.iter().filter(|release| digit(release) == *wanted).count() > 1;
    let shared = releases.iter().map(digit).find(is_shared).unwrap();
    let said = place.fails(&["activate", &place.target(), &shared]);
    let candidates: Vec<String> = releases
        .iter()
        .filter(|release| digit(release) == shared)
        .map(netboot_core::ReleaseId::short)
        .collect();
    assert!(said.contains("begins the ids of several releases"), "{said}");
    // Each candidate works as it was printed: this is the hint.
    for candidate in &candidates {
        assert!(said.contains(candidate), "{said}");
        place.succeeds(&["activate", &place.target(), candidate]);
    }
    assert_eq!(place.live().await.unwrap().short(), *candidates.last().unwrap());

    let absent = "fedcba98765432100";
    let said = place.fails(&["activate", &place.target(), absent]);
    assert!(said.contains("no release there has an id that begins with"), "{said}");
    let (_, named) = said.split_once("name one of the releases that are there: ").unwrap();
    let named = named.split(',').next().unwrap();
    place.succeeds(&["activate", &place.target(), named]);

    let said = place.run(&["activate", &place.target(), "not-an-id"]);
    assert_eq!(said.code, Some(2), "{said:#?}");
    assert!(said.stderr.contains("the digits 0 to 9 and a to f, not 'n'"), "{said:#?}");
}

#[tokio::test]
async fn a_target_whose_releases_are_all_gone_is_an_error() {
    let place = Place::directory();
    place.publish(["one"]).await;
    std::fs::remove_dir_all(place.published().join("nixos/releases")).unwrap();
    let said = place.fails(&["activate", &place.target(), "ab"]);
    assert!(said.contains("publish a release there first"), "{said}");
    let [again] = place.publish(["two"]).await;
    place.succeeds(&["activate", &place.target(), &again.short()]);
}
