//! Checks the contract of [`Artifact`].

use tokio::io::AsyncReadExt;

use crate::artifact::{Artifact, ArtifactReader};
use crate::contract::sentence::check_sentences;
use crate::digest::{Sha256Digest, Sha256Hasher};

/// Checks the contract of [`Artifact`]: the size and the digest match the bytes, and every reader
/// begins at the first byte, also while others read.
pub async fn check_artifact(artifact: &dyn Artifact) {
    let (size, sha256) = (artifact.size(), artifact.sha256());
    check_sentences("Artifact", &[1, 3], readers_give_what_is_stated(artifact)).await;
    let again = async {
        let name = artifact.file_name();
        let again = (artifact.size(), artifact.sha256());
        assert_eq!(
            again,
            (size, sha256),
            "the size or the digest of the artifact `{name}` changed"
        );
    };
    check_sentences("Artifact", &[2], again).await;
}

async fn readers_give_what_is_stated(artifact: &dyn Artifact) {
    let name = artifact.file_name();
    let (size, sha256) = (artifact.size(), artifact.sha256());

    // Two readers at once, of which one is a byte ahead, do not move each other.
    let (mut first, mut second) = (open(artifact).await, open(artifact).await);
    let mut ahead = vec![0; usize::from(size > 0)];
    let read = first.read_exact(&mut ahead).await;
    assert!(
        read.is_ok(),
        "the artifact `{name}` of size {size} does not yield its first byte: {read:?}"
    );
    let of_second = read_all(artifact, &mut second, Sha256Hasher::new()).await;
    let mut begun = Sha256Hasher::new();
    begun.update(&ahead);
    let of_first = read_all(artifact, &mut first, begun).await;

    for (found_sha256, found_size) in [of_first, of_second] {
        assert_eq!(
            found_size, size,
            "the artifact `{name}` does not yield as many bytes as it states"
        );
        assert_eq!(
            found_sha256, sha256,
            "the bytes of the artifact `{name}` do not have the digest that it states"
        );
    }
}

async fn open(artifact: &dyn Artifact) -> ArtifactReader {
    match artifact.open().await {
        Ok(reader) => reader,
        Err(error) => panic!("the artifact `{}` cannot be opened: {error:?}", artifact.file_name()),
    }
}

async fn read_all(
    artifact: &dyn Artifact,
    reader: &mut ArtifactReader,
    mut hasher: Sha256Hasher,
) -> (Sha256Digest, u64) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) => return hasher.finish(),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) => {
                panic!("the artifact `{}` cannot be read: {error:?}", artifact.file_name())
            }
        }
    }
}
