//! Publishing a release that was made from the live one never undoes another publisher's work.
#![cfg(all(feature = "local", feature = "contract"))]

use async_trait::async_trait;
use netboot_core::{Context, ErrorClass};
use netboot_publish::contract::sample_release;
use netboot_publish::{
    Error, FailedProof, LocalStore, MemoryStore, Proof, Prover, Publisher, StagedImage, Verdict,
};
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
    let error = publisher.publish_over(base, &mine, &context).await.unwrap_err();
    let is_conflict = matches!(&error, Error::Conflict { expected, found, .. }
        if *expected == Some(*first.id()) && *found == Some(*other.id()));
    assert!(is_conflict, "{error:?}");
    assert_eq!(error.class(), ErrorClass::Conflict);
    assert_eq!(publisher.live().await.unwrap(), Some(*other.id()));

    publisher.publish_over(Some(*other.id()), &mine, &context).await.unwrap();
    assert_eq!(publisher.live().await.unwrap(), Some(*mine.id()));
    let error = publisher.publish_over(None, &first, &context).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { expected: None, .. }), "{error:?}");
}

#[tokio::test]
async fn a_release_goes_live_over_its_base_only_after_its_proof() {
    let publisher = Publisher::new(MemoryStore::new());
    let context = Context::new();
    let [first, mine] = ["first", "mine"].map(sample_release);
    publisher.publish(&first, &context).await.unwrap();

    // It is not staged, and nothing is booted.
    let proven = publisher.publish_proven_over(None, &mine, &Boots(false), &context).await;
    assert!(matches!(proven, Err(Error::Conflict { expected: None, .. })), "{proven:?}");
    assert_eq!(publisher.releases().await.unwrap().len(), 1);

    let base = Some(*first.id());
    let proven = publisher.publish_proven_over(base, &mine, &Boots(false), &context).await;
    assert!(matches!(proven, Err(Error::NotProven { .. })), "{proven:?}");
    assert_eq!(publisher.live().await.unwrap(), Some(*first.id()));
    publisher.publish_proven_over(base, &mine, &Boots(true), &context).await.unwrap();
    assert_eq!(publisher.live().await.unwrap(), Some(*mine.id()));
}

/// A prover of which every image comes up, or none.
#[derive(Debug)]
struct Boots(bool);

#[async_trait]
impl Prover for Boots {
    async fn prove(&self, _: &StagedImage, _: &Context) -> Result<Verdict, Error> {
        Ok(match self {
            Self(true) => Verdict::CameUp(Proof::new("it came up", "")),
            Self(false) => Verdict::Failed(FailedProof::new("it did not", "")),
        })
    }
}
