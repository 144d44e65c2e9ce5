//! Checks of reading: sentence 6.

use netboot_core::{Context, FileName};
use tokio::io::AsyncReadExt;

use super::artifacts::Zeros;
use super::fixture::{Make, get, path, put};
use crate::error::Error;
use crate::store::{DOCUMENT_LIMIT, Upload};

/// `read` and `open` return the bytes.
pub(super) async fn read_and_open_give_the_bytes(make: Make<'_>) {
    let store = make();
    put(store.as_ref(), "blobs/bytes", &b"\0\n\xff"[..]).await;
    assert_eq!(get(store.as_ref(), "blobs/bytes").await.unwrap(), &b"\0\n\xff"[..]);
    let mut bytes = Vec::new();
    let mut reader = store.open(&path("blobs/bytes")).await.unwrap().unwrap();
    reader.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"\0\n\xff");
    assert!(store.read(&path("blobs/not")).await.unwrap().is_none());
    assert!(store.open(&path("blobs/not")).await.unwrap().is_none());
}

pub(super) async fn open_range_gives_the_bytes_of_the_range(make: Make<'_>) {
    let store = make();
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    put(store.as_ref(), "blobs/bytes", bytes.clone()).await;
    for (range, expected) in [
        (0..1, &bytes[..1]),
        (0..100_000, &bytes[..]),
        (300..70_000, &bytes[300..70_000]),
        (99_999..100_000, &bytes[99_999..]),
        (99_990..u64::MAX, &bytes[99_990..]),
        (5..5, &[]),
        (100_000..100_001, &[]),
        (7_000_000..8_000_000, &[]),
    ] {
        let reader = store.open_range(&path("blobs/bytes"), range.clone()).await.unwrap();
        let mut found = Vec::new();
        reader.expect("it is there").read_to_end(&mut found).await.unwrap();
        assert!(found == expected, "{range:?}: {} bytes", found.len());
    }
    assert!(store.open_range(&path("blobs/not"), 0..1).await.unwrap().is_none());
    assert!(store.open_range(&path("blobs/not"), 5..5).await.unwrap().is_none());
}

pub(super) async fn read_refuses_what_is_too_large(make: Make<'_>) {
    let store = make();
    let zeros = Zeros(FileName::new("zeros").unwrap(), DOCUMENT_LIMIT + 1);
    let uploads = vec![Upload::new(path("blobs/zeros"), zeros)];
    store.send(uploads, &Context::new()).await.unwrap();
    let error = store.read(&path("blobs/zeros")).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    assert!(store.open(&path("blobs/zeros")).await.unwrap().is_some());
}
