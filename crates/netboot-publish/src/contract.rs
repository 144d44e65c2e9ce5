//! The test suite for implementations of [`Store`], and for a [`Publisher`] over them. The tests of
//! a store call it.
//!
//! ```
//! use std::sync::Arc;
//! use netboot_publish::{MemoryStore, contract};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // Each call returns a new, empty target.
//! contract::check_store(|| Arc::new(MemoryStore::new())).await;
//! contract::check_publisher(|| Arc::new(MemoryStore::new())).await;
//! # }
//! ```
//!
//! A store declares in its [`Capabilities`](crate::Capabilities) what it can do. The suite runs
//! completely in any case: without an ability, it checks that the store and the publisher behave
//! as they promise for that case.
//!
//! [`Publisher`]: crate::Publisher
#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test suite reports a failure by a panic"
)]

mod later;
mod publisher;
mod sample;
mod sample_signer;
mod store;

use std::sync::Arc;

pub use self::later::later;
pub use self::sample::{sample_image, sample_pointer, sample_release};
pub use crate::clock::ClockAhead;
use crate::store::Store;

/// Checks every sentence of the contract of [`Store`]. Each call of `make` returns a new, empty
/// target.
pub async fn check_store(make: impl Fn() -> Arc<dyn Store>) {
    store::check(&make).await;
}

/// Checks the promises of [`Publisher`](crate::Publisher) that depend most on the store, with about
/// a quarter of the calls of [`check_publisher`]. It is meant for frequent tests of a slow store.
pub async fn check_publisher_in_brief(make: impl Fn() -> Arc<dyn Store>) {
    publisher::check_in_brief(&make).await;
}

/// Checks that a [`Publisher`](crate::Publisher) with keys refuses the pointers of an attacker who
/// can write to the target. [`check_publisher`] does this as well.
pub async fn check_attacks(make: impl Fn() -> Arc<dyn Store>) {
    publisher::check_attacks(&make).await;
}

/// Checks every promise of [`Publisher`](crate::Publisher) over the store. Each call of `make`
/// returns a new, empty target.
pub async fn check_publisher(make: impl Fn() -> Arc<dyn Store>) {
    publisher::check(&make).await;
}
