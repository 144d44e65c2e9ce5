//! Checks that only a release that came up goes live.

use std::collections::BTreeSet;
use std::sync::Mutex;

use async_trait::async_trait;
use netboot_core::{CancellationToken, ClosureManifest, Context, ProfileName, layout};
use tokio::io::AsyncReadExt;

use crate::contract::publisher::fixture::{Make, assert_clean, publish, publisher};
use crate::contract::sample::{sample_release, small_release};
use crate::error::Error;
use crate::proof::{FailedProof, Proof, Verdict};
use crate::prover::{Prover, StagedImage};
use crate::publisher::Publisher;

/// Reads the files that a machine would read, and then returns the verdict that the test set.
#[derive(Debug, Default)]
struct Reading {
    tries: Option<&'static str>,
    fails: Option<&'static str>,
    meanwhile: Option<(Publisher, &'static str)>,
    cancels: CancellationToken,
    live: Mutex<Vec<Option<String>>>,
}

#[async_trait]
impl Prover for Reading {
    fn tries(&self, image: &StagedImage) -> bool {
        self.tries.is_none_or(|profile| image.profile().as_str() == profile)
    }

    async fn prove(&self, image: &StagedImage, context: &Context) -> Result<Verdict, Error> {
        let store = image.store();
        let mut script = String::new();
        let mut reader = store.open(&image.script()).await?.expect("its script is staged");
        reader.read_to_string(&mut script).await.unwrap();
        for file in std::iter::once(&image.image().kernel).chain(&image.image().initrds) {
            let blob = layout::blob(&file.sha256);
            assert!(script.contains(&format!("../../../{blob}")), "{script}");
            let mut bytes = Vec::new();
            store.open(&blob).await?.unwrap().read_to_end(&mut bytes).await.unwrap();
            assert_eq!(bytes.len() as u64, file.size);
        }
        // Stage 1 fetches the closure before the release is live.
        let closure = image.image().closure.iter().flat_map(ClosureManifest::contents);
        for content in closure {
            let blob = store.stat(&[layout::blob(&content.sha256)]).await?;
            assert_eq!(
                blob.into_values().next().and_then(|entry| entry.size()),
                Some(content.size)
            );
        }
        let live = Publisher::from(store.clone()).live().await?;
        self.live.lock().unwrap().push(live.map(|live| live.to_string()));
        if let Some((publisher, generation)) = &self.meanwhile {
            publish(publisher, &small_release(generation)).await;
        }
        if self.cancels.is_cancelled() {
            context.cancellation().cancel();
        }
        if self.fails == Some(image.profile().as_str()) {
            let lines: Vec<String> = (0..30).map(|n| format!("line {n}\n\n")).collect();
            let failed = FailedProof::new("it panicked", &lines.concat());
            return Ok(Verdict::Failed(failed.with_hint(Some("look at the console".to_owned()))));
        }
        Ok(Verdict::CameUp(Proof::new("it came up", "login:")))
    }
}

pub(crate) async fn what_came_up_goes_live(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two] = ["one", "two"].map(sample_release);
    publish(&publisher, &one).await;
    let prover = Reading::default();
    let receipt = publisher.publish_proven(&two, &prover, &Context::new()).await.unwrap();
    let profiles: BTreeSet<&str> = receipt.proof.proofs.keys().map(ProfileName::as_str).collect();
    assert_eq!(profiles, ["control-plane", "worker"].into());
    assert!(receipt.receipt.staged.as_ref().is_some_and(|staged| staged.sent > 0), "{receipt}");
    // During the proof, the release before it was live.
    assert_eq!(*prover.live.lock().unwrap(), vec![Some(one.id().to_string()); 2]);
    assert_eq!(publisher.live().await.unwrap(), Some(*two.id()));
    assert_clean(&publisher).await;

    let prover = Reading { tries: Some("worker"), ..Reading::default() };
    let receipt = publisher.publish_proven(&one, &prover, &Context::new()).await.unwrap();
    assert_eq!(receipt.proof.untried, ["control-plane".parse().unwrap()].into());
    assert_eq!(publisher.live().await.unwrap(), Some(*one.id()));
}

pub(crate) async fn what_did_not_come_up_leaves_the_live_release(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two, three] = ["one", "two", "three"].map(small_release);
    publish(&publisher, &one).await;
    let before = store.read(&layout::pointer(publisher.pointer())).await.unwrap();
    let failing = Reading { fails: Some("worker"), ..Reading::default() };
    let error = publisher.publish_proven(&two, &failing, &Context::new()).await.unwrap_err();
    let Error::NotProven { release, failures } = &error else { panic!("{error:?}") };
    assert_eq!((release, failures.len()), (two.id(), 1));
    let lines = &failures["worker"].last_lines;
    assert_eq!((lines.len(), lines[19].as_str()), (20, "line 29"));
    assert!(error.to_string().contains("line 29") && error.hint().is_some(), "{error}");
    let untried = Reading { tries: Some("none"), ..Reading::default() };
    let nothing = publisher.publish_proven(&two, &untried, &Context::new()).await.unwrap_err();
    assert!(matches!(nothing, Error::NothingToProve { .. }), "{nothing:?}");
    let cancelling = Reading::default();
    cancelling.cancels.cancel();
    let context = Context::new().with_cancellation(CancellationToken::new());
    let cancelled = publisher.publish_proven(&two, &cancelling, &context).await.unwrap_err();
    assert!(matches!(cancelled, Error::Cancelled), "{cancelled:?}");
    assert_eq!(store.read(&layout::pointer(publisher.pointer())).await.unwrap(), before);
    // It stays staged and can go live later.
    publisher.prove(two.id(), &Reading::default(), &Context::new()).await.unwrap();
    assert_eq!(store.read(&layout::pointer(publisher.pointer())).await.unwrap(), before);
    publisher.activate(two.id(), &Context::new()).await.unwrap();

    let error = publisher.prove(three.id(), &failing, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::NotStaged { .. }), "{error:?}");
}

pub(crate) async fn what_went_live_meanwhile_is_not_undone(make: Make<'_>) {
    let store = make();
    let publisher = publisher(&store);
    let [one, two, three] = ["one", "two", "three"].map(small_release);
    publish(&publisher, &one).await;
    let prover = Reading { meanwhile: Some((publisher.clone(), "three")), ..Reading::default() };
    let error = publisher.publish_proven(&two, &prover, &Context::new()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Conflict { expected, found, .. }
            if *expected == Some(*one.id()) && *found == Some(*three.id())),
        "{error:?}"
    );
    assert_eq!(publisher.live().await.unwrap(), Some(*three.id()));
    assert_clean(&publisher).await;
}
