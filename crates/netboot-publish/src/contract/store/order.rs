//! Checks of batches that arrive in their order, by the numbers of the contract.

use std::sync::Arc;

use bytes::Bytes;
use netboot_core::{Context, FileName, Sha256Digest};

use crate::contract::store::artifacts::Lying;
use crate::contract::store::fixture::{Make, get, path, upload};
use crate::error::Error;
use crate::store::{Store, Upload};

/// The places of the batches. Their order is not that of their names.
const BATCHES: [&[&str]; 4] = [
    &["blobs/first", "blobs/other"],
    &["releases/one/incomplete.json"],
    &["releases/one/worker/boot.ipxe", "releases/one/a"],
    &["entry.ipxe"],
];

/// 16. `send_in_order` puts one batch after another into place.
pub(crate) async fn batches_arrive_in_order(make: Make<'_>) {
    let store = make();
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 1..=4 {
                store.send_in_order(batches(round), &Context::new()).await.unwrap();
                for place in BATCHES.concat() {
                    assert_eq!(round_at(&store, place).await, round, "{place}");
                }
            }
        })
    };
    let mut looks = 0_usize;
    while !writer.is_finished() {
        // Who reads the last one first may see only newer rounds in the others.
        let mut rounds = Vec::new();
        for batch in BATCHES.iter().rev() {
            rounds.push(round_at(&store, batch[looks % batch.len()]).await);
        }
        assert!(rounds.is_sorted(), "a later batch was there before an earlier one: {rounds:?}");
        looks += 1;
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

fn batches(round: u32) -> Vec<Vec<Upload>> {
    let batch =
        |places: &&[&str]| places.iter().map(|place| upload(place, round.to_string())).collect();
    BATCHES.iter().map(batch).chain([Vec::new()]).collect()
}

async fn round_at(store: &Arc<dyn Store>, place: &str) -> u32 {
    match get(store.as_ref(), place).await {
        Some(bytes) => String::from_utf8(bytes.into()).unwrap().parse().unwrap(),
        None => 0,
    }
}

pub(crate) async fn nothing_follows_a_batch_that_cannot_be_sent(make: Make<'_>) {
    let store = make();
    let lying = Lying {
        name: FileName::new("lying").unwrap(),
        size: 4,
        sha256: Sha256Digest::of(b"true"),
        bytes: Bytes::from_static(b"lies"),
    };
    let batches = vec![
        vec![upload("blobs/one", "first")],
        vec![Upload::new(path("blobs/two"), lying)],
        vec![upload("releases/one/manifest.json", "last")],
    ];
    let error = store.send_in_order(batches, &Context::new()).await.unwrap_err();
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error:?}");
    for place in ["blobs/two", "releases/one/manifest.json"] {
        assert_eq!(get(store.as_ref(), place).await, None, "{place}");
    }
}
