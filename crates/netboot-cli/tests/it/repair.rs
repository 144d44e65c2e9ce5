//! `netboot repair`.

use std::fs;

use netboot_core::layout;

use crate::place::{Place, assert_documented};

#[tokio::test]
async fn each_damaged_release_is_repaired_from_another_target() {
    let (place, mirror) = (Place::directory(), Place::daemon());
    let [first, second] = place.publish(["one", "two"]).await;
    mirror.publish(["one", "two"]).await;
    let (own, other) =
        (place.own_blob(&first, &second).await, place.own_blob(&second, &first).await);
    place.damage(&own);
    place.damage(&other);
    assert_eq!(place.run(&["verify", &place.target()]).code, Some(3));
    let said = place.succeeds(&["repair", &place.target(), "--from", &mirror.target()]);
    for (release, blob) in [(first, own), (second, other)] {
        let line = format!("release {}: 1 finding, sent 1 file again", release.short());
        assert!(said.stdout.contains(&line), "{said:#?}");
        assert!(said.stdout.contains(&format!("repaired `{blob}`")), "{said:#?}");
    }
    place.succeeds(&["verify", &place.target()]);
}

#[tokio::test]
async fn one_release_is_repaired_by_the_first_digits_of_its_id() {
    let (place, mirror) = (Place::directory(), Place::directory());
    let [first, second] = place.publish(["one", "two"]).await;
    mirror.publish(["one"]).await;
    let blob = place.own_blob(&first, &second).await;
    place.damage(&blob);
    let (target, from, short) = (place.target(), mirror.target(), first.short());
    let object = place.succeeds(&["repair", &target, &short, "--from", &from, "--json"]).json();
    assert_documented("repair", &object);
    assert_eq!(object["releases"][0]["release"], first.to_string());
    assert_eq!(object["releases"][0]["sent"][0]["path"], blob.to_string());
    assert_eq!(object["whole"], true);
}

#[tokio::test]
async fn a_release_that_is_gone_is_brought_back() {
    let (place, mirror) = (Place::directory(), Place::directory());
    place.publish(["two"]).await;
    let [gone] = mirror.publish(["one"]).await;
    let (target, from) = (place.target(), mirror.target());
    place.succeeds(&["repair", &target, "--from", &from]);
    let said = place.fails(&["activate", &target, &gone.short()]);
    assert!(said.contains("no release there"), "only its own releases are repaired: {said}");
    place.succeeds(&["repair", &target, &gone.short(), "--from", &from]);
    place.succeeds(&["activate", &target, &gone.short()]);
    place.succeeds(&["verify", &target]);
}

#[tokio::test]
async fn damage_that_no_source_can_mend_is_said() {
    let (place, mirror) = (Place::directory(), Place::directory());
    let [first, second] = place.publish(["one", "two"]).await;
    mirror.publish(["one"]).await;
    let blob = place.own_blob(&second, &first).await;
    fs::remove_file(place.published().join("nixos").join(blob.as_str())).unwrap();
    let repair = ["repair", &place.target(), "--from", &mirror.target()];
    let said = place.run(&repair);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.stdout.contains(&format!("`{blob}` is missing")), "{said:#?}");
    let object = place.run(&[&repair[..], &["--json"]].concat()).json();
    assert_eq!(object["whole"], false);
    let remaining = object["releases"].as_array().unwrap().iter();
    let remaining: usize = remaining.map(|it| it["remaining"].as_array().unwrap().len()).sum();
    assert_eq!(remaining, 1, "{object}");
}

#[tokio::test]
async fn a_pointer_that_nobody_understands_is_not_passed_over() {
    let (place, mirror) = (Place::directory(), Place::directory());
    let [live] = place.publish(["one"]).await;
    mirror.publish(["one"]).await;
    let pointer = place.published().join("nixos/current.ipxe");
    let text = fs::read_to_string(&pointer).unwrap();
    fs::write(&pointer, text.replace(" activated ", " happened ")).unwrap();
    let repair = ["repair", &place.target(), "--from", &mirror.target()];
    let said = place.run(&repair);
    assert_eq!(said.code, Some(3), "{said:#?}");
    assert!(said.stderr.contains("cannot be understood"), "{said:#?}");
    assert!(said.stderr.contains("what to do: "), "{said:#?}");
    // The hint: delete it, and activate the release that should be live.
    assert_eq!(layout::pointer(&"current".parse().unwrap()).as_str(), "current.ipxe");
    fs::remove_file(pointer).unwrap();
    place.succeeds(&["activate", &place.target(), &live.short()]);
    place.succeeds(&repair);
}

#[tokio::test]
async fn a_source_without_anything_is_an_error() {
    let (place, mirror) = (Place::directory(), Place::directory());
    place.publish(["one"]).await;
    let said = place.fails(&["repair", &place.target(), "--from", &mirror.target()]);
    assert!(said.contains(&mirror.target()), "{said}");
    let said = place.run(&["repair", &place.target()]);
    assert_eq!(said.code, Some(2), "{said:#?}");
}

#[tokio::test]
async fn a_target_that_lost_everything_is_brought_back() {
    for place in Place::all() {
        let mirror = Place::directory();
        let [first, second] = mirror.publish(["one", "two"]).await;
        let (target, from) = (place.target(), mirror.target());
        let said = place.succeeds(&["repair", &target, "--from", &from]);
        assert!(said.stderr.contains("has nothing any more"), "{said:#?}");
        let releases = place.publisher().await.releases().await.unwrap();
        assert_eq!(releases, [first, second].into());
        assert_eq!(place.live().await, None, "only activation makes a release live");
        // The program says how.
        let (_, told) = said.stderr.split_once(": `netboot ").unwrap();
        let (command, _) = told.split_once('`').unwrap();
        let command: Vec<&str> = command.split(' ').collect();
        place.succeeds(&command);
        assert_eq!(place.live().await, Some(second));
        place.succeeds(&["verify", &target]);
        // Again: there is nothing to do or to say.
        let said = place.succeeds(&["repair", &target, "--from", &from]);
        assert!(!said.stderr.contains("netboot activate"), "{said:#?}");
    }
    // One release of a directory that is gone.
    let (place, mirror) = (Place::directory(), Place::directory());
    let [first, _] = mirror.publish(["one", "two"]).await;
    let (target, from) = (place.target(), mirror.target());
    place.succeeds(&["repair", &target, &first.short(), "--from", &from]);
    assert_eq!(place.publisher().await.releases().await.unwrap(), [first].into());
}
