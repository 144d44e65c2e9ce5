//! Connects to a bucket, and learns what its server can do.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::client::Client;
use super::failure::S3Failure;
use super::key::Keys;
use super::probe::test_server;
use super::server_memory::{Abilities, KnownServer, ServerMemory};
use super::store::S3Store;
use super::target::{Remembered, Target};
use crate::error::Error;

/// The way to learn what a server supports.
pub(super) enum Test {
    /// No test: the store works without compare-and-swap.
    None,
    /// A test, unless a memory has its result.
    Remembered(Option<ServerMemory>),
}

pub(super) async fn connect(client: Arc<Client>, keys: Keys, test: Test) -> Result<S3Store, Error> {
    let Test::Remembered(memory) = test else {
        return Ok(S3Store::new(Target::new(client, keys, Abilities::default())));
    };
    let url = client.settings.bucket_url.to_string();
    if let Some(memory) = &memory
        && let Some(known) = memory.recall(&url).await
    {
        let target = Target::new(client, keys, known.abilities);
        let (memory, is_tested) = (memory.clone(), AtomicBool::new(false));
        let remembered = Some(Arc::new(Remembered { memory, known, is_tested }));
        return Ok(S3Store::new(Target { remembered, ..target }));
    }
    match test_server(&client, &keys).await {
        Ok(able) => {
            if let (Some(memory), Some(able)) = (memory, able) {
                let software = client.settings.software.get().cloned().unwrap_or_default();
                memory.remember(&url, Some(KnownServer::new(able, software))).await;
            }
            // A server that stays busy with a key that nobody else has does not tell if it
            // compares.
            Ok(S3Store::new(Target::new(client, keys, able.unwrap_or_default())))
        }
        // The client crate does not read the target of a redirect.
        Err(error @ Error::S3 { failure: S3Failure::WrongRegion { expected: None }, .. }) => {
            let looked = client.get_bucket(&[("list-type", "2"), ("max-keys", "1")]).await;
            Err(looked.err().unwrap_or(error))
        }
        Err(error) => Err(error),
    }
}
