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
