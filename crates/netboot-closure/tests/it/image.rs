//! A packed closure as the closure of an image.

use std::sync::{Arc, Mutex};

use netboot_closure::{Error, Index};
use netboot_core::{
    Artifact, ArtifactKind, CancellationToken, Context, Event, Phase, Sha256Digest,
};
use tokio::io::AsyncReadExt;

use crate::pack::Site;

async fn bytes(artifact: &Arc<dyn netboot_core::Artifact>) -> Vec<u8> {
    let mut bytes = Vec::new();
    artifact.open().await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn each_artifact_has_the_bytes_that_the_index_names() {
    let mut site = Site::new();
    for twin in ["twin", "other-twin"] {
        site.add_lines(twin, "equal lines\n", 10_000);
    }
    let profile = "worker".parse().unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let sink = events.clone();
    let context = Context::new().with_events(move |event| sink.lock().unwrap().push(event));
    let paths = site.paths.clone();
    let packed = site.packer().pack_image(site.init(), paths, &profile, &context).await;
    let (packed, closure) = packed.unwrap();

    let index = bytes(&closure.index).await;
    assert_eq!(closure.index.kind(), ArtifactKind::ClosureIndex);
    assert_eq!(Index::from_compressed(&index).unwrap(), packed.index);
    assert_eq!(packed.index.to_compressed().unwrap(), index, "it is not deterministic");
    assert!(Index::from_compressed(&index[..index.len() - 1]).is_err());
    assert_eq!(closure.unpacked_bytes, packed.index.unpacked_bytes());
    assert_eq!(closure.inodes, packed.index.inodes());

    assert_eq!(closure.blobs.len() + 1, packed.index.entries().len(), "twins share a blob");
    for blob in &closure.blobs {
        assert_eq!(Sha256Digest::of(&bytes(blob).await), blob.sha256());
        let mut entries = packed.index.entries().iter();
        let entry = entries.find(|entry| entry.blob.as_bytes() == blob.sha256().as_bytes());
        assert_eq!(entry.unwrap().blob_size, blob.size());
    }

    let events = events.lock().unwrap().clone();
    let is_packing = |phase: &Phase| *phase == Phase::Packing;
    assert!(matches!(&events[0], Event::PhaseStarted { phase, .. } if is_packing(phase)));
    let last = events.last().unwrap();
    assert!(matches!(last, Event::PhaseFinished { phase, .. } if is_packing(phase)), "{last:?}");
    let whole = site.paths.iter().map(|path| path.nar_size).sum::<u64>();
    let is_whole = |event: &Event| matches!(event, Event::Progress { done, total, .. } if (*done, *total) == (whole, Some(whole)));
    assert!(events.iter().any(is_whole), "{events:?}");
}

#[tokio::test]
async fn a_cancelled_context_stops_the_packing() {
    let site = Site::new();
    let token = CancellationToken::new();
    let sink = token.clone();
    let stop_early = move |event| {
        if matches!(event, Event::PhaseStarted { .. }) {
            sink.cancel();
        }
    };
    let context = Context::new().with_events(stop_early).with_cancellation(token);
    let profile = "worker".parse().unwrap();
    let paths = site.paths.clone();
    let stopped = site.packer().pack_image(site.init(), paths, &profile, &context).await;
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
}

#[tokio::test]
#[should_panic(expected = "a defect of the sink")]
async fn a_panic_goes_on() {
    let site = Site::new();
    let context = Context::new().with_events(|event| {
        if matches!(event, Event::Progress { .. }) {
            panic!("a defect of the sink");
        }
    });
    let profile = "worker".parse().unwrap();
    let _ = site.packer().pack_image(site.init(), site.paths.clone(), &profile, &context).await;
}

#[tokio::test]
async fn a_blob_that_disappeared_is_an_error_with_its_path() {
    let site = Site::new();
    let packed = site.pack(&site.packer()).unwrap();
    std::fs::remove_file(&packed.blobs[1]).unwrap();
    let error = packed.to_closure().unwrap_err();
    assert!(error.to_string().contains(packed.blobs[1].to_str().unwrap()), "{error}");
}

/// A store may send such a blob without a copy. A blob that somebody may write to has no promise.
#[tokio::test]
async fn blobs_never_change() {
    let site = Site::new();
    let packed = site.pack(&site.packer()).unwrap();
    assert!(packed.to_closure().unwrap().blobs.iter().all(Artifact::is_immutable));
    let writable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&packed.blobs[0], writable).unwrap();
    let blobs = packed.to_closure().unwrap().blobs;
    let may_change: Vec<_> = blobs.iter().filter(|blob| !blob.is_immutable()).collect();
    let [blob] = may_change[..] else { panic!("{may_change:?}") };
    assert_eq!(blob.local_path(), Some(&*packed.blobs[0].canonicalize().unwrap()));
}
