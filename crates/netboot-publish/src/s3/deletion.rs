//! Deletes keys: many with one request, or one by one.

use std::sync::atomic::Ordering;

use futures::{StreamExt, stream};
use object_store::path::Path;
use object_store::{Error as S3Error, ObjectStore};

use super::client::Client;
use super::error::request_error;
use super::failure::S3Failure;
use crate::error::Error;

/// Deletes keys: many with one request, unless the server fails to answer it as S3 does. A missing
/// object is not an error.
pub(super) async fn delete_keys(client: &Client, keys: &[Path]) -> Result<(), Error> {
    if keys.len() > 1 && client.deletes_batches() {
        match client.delete_batch(keys).await {
            // A request for each of these tells the reason, or succeeds.
            Ok(left) => return delete_each(client, &left).await,
            // Nothing is lost by deleting an object again.
            Err(error) => match S3Failure::of(&error) {
                S3Failure::NotImplemented | S3Failure::NotS3 | S3Failure::Unknown { .. } => {
                    tracing::debug!(%error, "deletes objects one by one from now on");
                    client.lacks_batches.store(true, Ordering::Relaxed);
                }
                _ => {
                    let url = client.url(&keys[0]).to_string();
                    return Err(request_error("delete", url, error));
                }
            },
        }
    }
    delete_each(client, keys).await
}

async fn delete_each(client: &Client, keys: &[Path]) -> Result<(), Error> {
    let Some(first) = keys.first() else { return Ok(()) };
    let keys: Vec<object_store::Result<Path>> = keys.iter().cloned().map(Ok).collect();
    let mut results = client.writes.delete_stream(stream::iter(keys).boxed());
    while let Some(result) = results.next().await {
        match result {
            Ok(_) | Err(S3Error::NotFound { .. }) => {}
            Err(error) => return Err(client.error("delete", first, error)),
        }
    }
    Ok(())
}
