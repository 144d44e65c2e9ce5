//! What keeps a release from going live is known before its images are built.
#![cfg(all(feature = "local", feature = "contract", feature = "minisign"))]

use std::fs;

use netboot_core::Context;
use netboot_publish::contract::sample_release;
use netboot_publish::{Error, LocalStore, MemoryStore, MinisignKey, Publisher, Signer, Store};
use tempfile::TempDir;

async fn rehearse(publisher: &Publisher) -> Result<(), Error> {
    publisher.rehearse(&sample_release("draft"), &Context::new()).await
}

#[tokio::test]
async fn a_target_that_takes_the_draft_takes_the_release_and_shows_nothing_of_the_draft() {
    let directory = TempDir::new().unwrap();
    let publisher = Publisher::new(LocalStore::new(directory.path().join("pxe")));
    rehearse(&publisher).await.unwrap();
    assert!(publisher.releases().await.unwrap().is_empty());
    assert_eq!(publisher.live().await.unwrap(), None);
    publisher.publish(&sample_release("real"), &Context::new()).await.unwrap();
    // Over a live release, too.
    rehearse(&publisher).await.unwrap();
}

#[tokio::test]
async fn foreign_files_are_found_before_a_build() {
    let directory = TempDir::new().unwrap();
    let publisher = Publisher::new(LocalStore::new(directory.path()));
    for name in ["boot.ipxe", "current.ipxe"] {
        fs::write(directory.path().join(name), "#!ipxe\necho mine\n").unwrap();
        assert!(rehearse(&publisher).await.is_err(), "{name} was not found");
        rehearse(&publisher.clone().with_replace_foreign(true)).await.unwrap();
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    rehearse(&publisher).await.unwrap();
}

#[tokio::test]
async fn a_target_that_cannot_be_written_is_found_before_a_build() {
    let directory = TempDir::new().unwrap();
    let missing = Publisher::new(LocalStore::new(directory.path().join("no/pxe")));
    let error = rehearse(&missing).await.unwrap_err();
    assert!(matches!(error, Error::NoSuchDirectory { .. }), "{error:?}");

    fs::write(directory.path().join("blobs"), "a file").unwrap();
    let error = rehearse(&Publisher::new(LocalStore::new(directory.path()))).await.unwrap_err();
    assert!(error.to_string().contains("blobs"), "{error:?}");
}

#[tokio::test]
async fn links_and_keys_that_are_missing_are_found_before_a_build() {
    let store = MemoryStore::new();
    let capabilities = store.capabilities().with_links(false);
    let publisher = Publisher::new(store.with_capabilities(capabilities));
    let error = rehearse(&publisher.clone().with_legacy_links(true)).await.unwrap_err();
    assert!(matches!(error, Error::LinksUnsupported { .. }), "{error:?}");

    let signer = MinisignKey::generate().unwrap();
    let trusting = publisher.with_trusted_keys(signer.public_key().clone());
    let error = rehearse(&trusting).await.unwrap_err();
    assert!(matches!(error, Error::NoPointerSigner { .. }), "{error:?}");
    rehearse(&trusting.with_signer(signer)).await.unwrap();
}
