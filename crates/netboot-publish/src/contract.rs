//! The suite that holds an implementation of [`Store`] to its contract, and [`Publisher`] over it
//! to its own; to be called from a store's tests.
//!
//! ```
//! use std::sync::Arc;
//! use netboot_publish::{MemoryStore, contract};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // Each call gives a new, empty target.
//! contract::check_store(|| Arc::new(MemoryStore::new())).await;
//! contract::check_publisher(|| Arc::new(MemoryStore::new())).await;
//! # }
//! ```
//!
//! What the store cannot do it says in its [`Capabilities`](crate::Capabilities). No part of the
//! suite is left out for that: it then checks that the store, and the publisher over it, behave
//! as they promise to without the ability.
//!
//! [`Publisher`]: crate::Publisher
#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a suite of tests tells what fails by panicking"
)]

mod publisher;
mod sample;
mod sample_signer;
mod store;

use std::sync::Arc;

pub use self::sample::{sample_image, sample_release};
use crate::store::Store;

/// Checks every sentence of the contract of [`Store`]. `make` gives a new, empty target each time
/// it is called.
pub async fn check_store(make: impl Fn() -> Arc<dyn Store>) {
    store::check(&make).await;
}

/// Checks those promises of [`Publisher`](crate::Publisher) that most depend on how the store does
/// its work, in about a quarter of the calls that [`check_publisher`] makes, which checks them too.
/// It is for a store whose calls take their time, in tests that run often.
pub async fn check_publisher_in_brief(make: impl Fn() -> Arc<dyn Store>) {
    publisher::check_in_brief(&make).await;
}

/// Checks every promise of [`Publisher`](crate::Publisher) over the store. `make` gives a new,
/// empty target each time it is called.
pub async fn check_publisher(make: impl Fn() -> Arc<dyn Store>) {
    publisher::check(&make).await;
}
