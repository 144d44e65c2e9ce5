//! `netboot rollback`.

use crate::place::{Place, assert_documented};

#[tokio::test]
async fn a_rollback_says_from_where_to_where() {
    let place = Place::directory();
    let [first, second, third] = place.publish(["one", "two", "three"]).await;
    let said = place.succeeds(&["rollback", &place.target()]);
    assert_eq!(said.stdout, format!("{second}\n"));
    let expected = format!(
        "rolled back from release {} to release {} (went live ",
        third.short(),
        second.short()
    );
    assert!(said.stderr.contains(&expected), "{said:#?}");
    // Another one goes further.
    assert_eq!(place.succeeds(&["rollback", &place.target()]).stdout, format!("{first}\n"));
    let said = place.fails(&["rollback", &place.target()]);
    assert!(said.contains("no earlier release to roll back to"), "{said}");
    // This is the hint: a named release is live again.
    let object = place.succeeds(&["rollback", &place.target(), &third.short(), "--json"]).json();
    assert_documented("rollback", &object);
    assert_eq!(object["release"], third.to_string());
    assert_eq!(object["previous"], first.to_string());
    assert_eq!(object["outcome"], "rolled-back");
    let said = place.succeeds(&["rollback", &place.target(), &third.short()]);
    assert!(said.stderr.contains("is live already"), "{said:#?}");
    assert_eq!(place.live().await, Some(third));
}

#[tokio::test]
async fn a_release_that_was_never_live_is_named_so() {
    let place = Place::directory();
    place.publish(["one"]).await;
    let staged = place.stage("two").await;
    let said = place.succeeds(&["rollback", &place.target(), &staged.short()]);
    assert!(said.stderr.contains("(never live before)"), "{said:#?}");
}

/// Only the pointer's history knows a release that was pruned.
#[tokio::test]
async fn a_release_that_was_pruned_is_named_so() {
    let place = Place::directory();
    let [first, second] = place.publish(["one", "two"]).await;
    let target = place.target();
    let keep_one = ["prune", &target, "--grace", "0", "--keep", "1"];
    place.would_prune(&keep_one, 1);
    place.succeeds(&keep_one);
    let pruned = format!("error: release {} was pruned", first.short());
    let hint = format!("what to do: name one of the releases that are there: {}", second.short());
    let (short, whole) = (first.short(), first.to_string());
    for arguments in [
        &["rollback", &target][..],
        &["rollback", &target, &short],
        &["rollback", &target, &whole],
        &["activate", &target, &short],
        &["boot", &target, "--release", &whole],
    ] {
        let said = place.fails(arguments);
        assert!(said.contains(&pruned) && said.contains(&hint), "{arguments:?}: {said}");
    }
    place.succeeds(&["rollback", &target, &second.short()]);
    // No target has this release.
    let unknown = "f".repeat(64);
    for release in [&unknown, "fff"] {
        let said = place.fails(&["rollback", &target, release]);
        assert!(!said.contains("pruned"), "{said}");
    }
}
