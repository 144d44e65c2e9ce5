//! The initrds of an image as one file.

use std::sync::Arc;

use netboot_core::{
    Artifact, ArtifactKind, ArtifactReader, BytesArtifact, Context, Error, FileName, Image,
    JoinedInitrd, Sha256Digest, async_trait, contract,
};
use tokio::io::AsyncReadExt;

use crate::sample::{begin, initrd, kernel, profile};

fn image(initrds: &[Arc<dyn Artifact>]) -> Image {
    let image = begin(&profile("worker")).kernel(kernel("the kernel"));
    initrds.iter().fold(image, |image, initrd| image.initrd(initrd.clone())).build().unwrap()
}

async fn joined(initrds: &[&str]) -> JoinedInitrd {
    let parts = initrds.iter().map(|bytes| initrd(&format!("part-{bytes}"), bytes));
    let image = image(&parts.collect::<Vec<_>>());
    JoinedInitrd::new("initrd", &image, &Context::new()).await.unwrap()
}

async fn bytes(artifact: &dyn Artifact) -> Vec<u8> {
    let mut bytes = Vec::new();
    artifact.open().await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn each_initrd_begins_at_a_multiple_of_four_bytes() {
    let joined = joined(&["12345", "abcd", "xyz"]).await;
    let expected = b"12345\0\0\0abcdxyz";
    assert_eq!(bytes(&joined).await, expected);
    assert_eq!((joined.size(), joined.sha256()), (15, Sha256Digest::of(expected)));
    contract::check_artifact(&joined).await;
}

#[tokio::test]
async fn one_initrd_stays_as_it_is() {
    let joined = joined(&["12345"]).await;
    assert_eq!(joined.sha256(), Sha256Digest::of(b"12345"));
    contract::check_artifact(&joined).await;
}

/// An initrd that gives fewer bytes than it said.
#[derive(Debug)]
struct Short(BytesArtifact);

#[async_trait]
impl Artifact for Short {
    fn kind(&self) -> ArtifactKind {
        self.0.kind()
    }
    fn file_name(&self) -> &FileName {
        self.0.file_name()
    }
    fn size(&self) -> u64 {
        self.0.size() + 1
    }
    fn sha256(&self) -> Sha256Digest {
        self.0.sha256()
    }
    async fn open(&self) -> Result<ArtifactReader, Error> {
        self.0.open().await
    }
}

#[tokio::test]
async fn initrds_of_another_size_are_refused() {
    let short = Short(BytesArtifact::new(ArtifactKind::Initrd, "short", "123").unwrap());
    let image = image(&[Arc::new(short), initrd("initrd", "abcd")]);
    let error = JoinedInitrd::new("initrd", &image, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::ArtifactChanged { .. }), "{error:?}");
}

#[tokio::test]
async fn joining_can_be_cancelled() {
    let context = Context::new();
    context.cancellation().cancel();
    let image = image(&[initrd("one", "1"), initrd("two", "2")]);
    let error = JoinedInitrd::new("initrd", &image, &context).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
}
