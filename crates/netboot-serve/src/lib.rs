//! Serves published netboot releases to machines over HTTP, from any store.
//!
//! [`StoreView`] answers requests with the objects of a [`Store`](netboot_publish::Store): a
//! directory, a bucket that refuses anonymous reads, or a place that a caller's own implementation
//! knows. [`Server`] is a web server with limits for its clients, for a view or for another service
//! of a program.
//!
//! The program `netboot serve` is made of the two.

#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod activity;
mod admission;
mod body;
mod conditions;
mod connection;
mod limits;
mod notice;
mod problem;
mod server;
mod store_limits;
mod tag;
mod view;

pub use crate::body::ViewBody;
pub use crate::limits::Limits;
pub use crate::notice::{ConnectionLimit, Notice};
pub use crate::server::{Client, Server};
pub use crate::store_limits::StoreLimits;
pub use crate::view::StoreView;
