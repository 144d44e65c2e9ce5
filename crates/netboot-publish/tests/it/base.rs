//! Publishing a release that was made from the live one never undoes another publisher's work.
#![cfg(all(feature = "local", feature = "contract"))]

use netboot_core::Context;
use netboot_publish::contract::sample_release;
use netboot_publish::{Error, LocalStore, Publisher};
use tempfile::TempDir;

#[tokio::test]
async fn what_another_published_meanwhile_is_not_undone() {
    let directory = TempDir::new().unwrap();
    let publisher = Publisher::new(LocalStore::new(directory.path()));
    let context = Context::new();
    let [first, other, mine] = ["first", "other", "mine"].map(sample_release);

    publisher.publish_over(None, &first, &context).await.unwrap();
    let base = publisher.live().await.unwrap();
    publisher.publish(&other, &context).await.unwrap();
    let error = publisher.publish_over(base.as_ref(), &mine, &context).await.unwrap_err();
    let is_conflict = matches!(&error, Error::Conflict { expected, found, .. }
        if *expected == Some(*first.id()) && *found == Some(*other.id()));
    assert!(is_conflict, "{error:?}");
    assert_eq!(publisher.live().await.unwrap(), Some(*other.id()));

    publisher.publish_over(Some(other.id()), &mine, &context).await.unwrap();
    assert_eq!(publisher.live().await.unwrap(), Some(*mine.id()));
    let error = publisher.publish_over(None, &first, &context).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { expected: None, .. }), "{error:?}");
}
