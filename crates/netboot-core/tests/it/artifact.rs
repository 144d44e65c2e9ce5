//! Files and bytes as artifacts. A file that changed after it was hashed is an error.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use netboot_core::contract::check_artifact;
use netboot_core::{
    Artifact, ArtifactKind, BytesArtifact, CancellationToken, Context, Error, FileArtifact,
    FileName, Sha256Digest,
};
use netboot_testbed::PATIENCE;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

async fn open(kind: ArtifactKind, path: impl AsRef<Path>) -> Result<FileArtifact, Error> {
    FileArtifact::open(kind, "bzImage", path, &Context::new()).await
}

async fn open_kernel(path: impl AsRef<Path>) -> Result<FileArtifact, Error> {
    open(ArtifactKind::Kernel, path).await
}

async fn read(artifact: &dyn Artifact) -> Vec<u8> {
    let mut bytes = Vec::new();
    artifact.open().await.unwrap().read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn files_and_bytes_keep_the_contract() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file");
    // Sizes around that of the hashed chunks.
    for length in [1, 2, 262_143, 262_144, 262_145, 1_000_003_usize] {
        let bytes: Vec<u8> = (0..length).map(|i| (i % 251).to_le_bytes()[0]).collect();
        fs::write(&path, &bytes).unwrap();
        let file = open_kernel(&path).await.unwrap();
        assert_eq!((file.size(), file.sha256()), (length as u64, Sha256Digest::of(&bytes)));
        assert_eq!(read(&file).await, bytes);
        check_artifact(&file).await;
        let name = FileName::new("initrd").unwrap();
        let in_memory = BytesArtifact::new(ArtifactKind::Initrd, name, bytes).unwrap();
        assert_eq!((in_memory.size(), in_memory.sha256()), (file.size(), file.sha256()));
        assert!(in_memory.local_path().is_none());
        check_artifact(&in_memory).await;
    }
}

#[tokio::test]
async fn a_known_digest() {
    let name = FileName::new("abc").unwrap();
    let abc = BytesArtifact::new(ArtifactKind::Script, name, "abc").unwrap();
    // FIPS 180-2, appendix B.1.
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(abc.sha256().to_string(), expected);
}

#[tokio::test]
async fn a_file_that_changed_after_it_was_hashed_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("kernel");
    let changed = |result: Result<netboot_core::ArtifactReader, Error>| {
        let error = result.err().unwrap();
        assert!(matches!(&error, Error::ArtifactChanged { path: p } if *p == path), "{error:?}");
        assert!(error.hint().is_some());
    };

    fs::write(&path, "the kernel").unwrap();
    let artifact = open_kernel(&path).await.unwrap();
    fs::File::options().append(true).open(&path).unwrap().write_all(b"!").unwrap();
    changed(artifact.open().await);

    // Rewritten in place with the same size: only the time differs. File times have a granularity.
    fs::write(&path, "the kernel").unwrap();
    let artifact = open_kernel(&path).await.unwrap();
    let modified = || fs::metadata(&path).unwrap().modified().unwrap();
    let before = modified();
    while modified() == before {
        fs::write(&path, "the-kernel").unwrap();
    }
    changed(artifact.open().await);

    // Replaced by another file with the same size and time: only the inode differs.
    fs::write(&path, "the kernel").unwrap();
    let artifact = open_kernel(&path).await.unwrap();
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let other = directory.path().join("other");
    fs::write(&other, "the-kernel").unwrap();
    fs::File::options().write(true).open(&other).unwrap().set_modified(time).unwrap();
    fs::rename(&other, &path).unwrap();
    changed(artifact.open().await);

    fs::remove_file(&path).unwrap();
    let error = artifact.open().await.err().unwrap();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_file_with_bytes_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "").unwrap();
    for kind in [ArtifactKind::Kernel, ArtifactKind::Initrd, ArtifactKind::Script] {
        let error = open(kind, &path).await.unwrap_err();
        assert!(matches!(&error, Error::EmptyArtifact { kind: k, .. } if *k == kind), "{error:?}");
        assert!(error.hint().is_some());
    }
    // A build may have an empty log.
    let log = open(ArtifactKind::BuildLog, &path).await.unwrap();
    check_artifact(&log).await;

    let error = open_kernel(directory.path()).await.unwrap_err();
    assert!(matches!(error, Error::NotAFile { .. }), "{error:?}");
    let error = open_kernel("/dev/null").await.unwrap_err();
    assert!(matches!(error, Error::NotAFile { .. }), "{error:?}");

    let missing = directory.path().join("missing");
    let error = open_kernel(&missing).await.unwrap_err();
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("does not exist")), "{error:?}");
}

/// The promise goes through the pointers to an artifact.
#[tokio::test]
async fn a_file_may_change_unless_its_owner_promises_otherwise() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("kernel");
    fs::write(&path, "the kernel").unwrap();
    let artifact = open_kernel(&path).await.unwrap();
    assert!(!artifact.is_immutable());
    let promised = artifact.clone().with_immutable(true);
    assert!(promised.is_immutable() && !promised.clone().with_immutable(false).is_immutable());
    let (shared, boxed): (Arc<dyn Artifact>, Box<dyn Artifact>) =
        (Arc::new(promised.clone()), Box::new(promised));
    assert!(Artifact::is_immutable(&shared) && Artifact::is_immutable(&boxed));
    check_artifact(&shared).await;
}

/// Nix's `result` is a link. The artifact is the link's target at the time of opening.
#[tokio::test]
async fn a_symbolic_link_is_followed_once() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().canonicalize().unwrap().join(name);
    fs::write(at("first"), "first").unwrap();
    fs::write(at("second"), "second").unwrap();
    std::os::unix::fs::symlink("first", at("link")).unwrap();
    let artifact = open_kernel(at("link")).await.unwrap();
    assert_eq!(artifact.path(), at("first"));
    assert_eq!(artifact.local_path(), Some(at("first").as_path()));
    fs::remove_file(at("link")).unwrap();
    std::os::unix::fs::symlink("second", at("link")).unwrap();
    assert_eq!(read(&artifact).await, b"first");
    std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
    let error = open_kernel(at("dangling")).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn hashing_stops_when_it_is_cancelled() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("file");
    // A sparse file is fast to create and takes an hour to hash.
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let token = CancellationToken::new();
    let context = Context::new().with_cancellation(token.clone());
    let name = FileName::new("initrd").unwrap();
    let opening = FileArtifact::open(ArtifactKind::Initrd, name, &path, &context);
    let cancel = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        token.cancel();
    };
    let (result, ()) = tokio::join!(tokio::time::timeout(PATIENCE, opening), cancel);
    let error = result.expect("it goes on hashing").unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hasher_gives_the_same_whatever_the_pieces(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
    ) {
        let mut hasher = netboot_core::Sha256Hasher::new();
        for piece in &pieces {
            hasher.update(piece);
        }
        let whole = pieces.concat();
        prop_assert_eq!(hasher.finish(), (Sha256Digest::of(&whole), whole.len() as u64));
    }
}
