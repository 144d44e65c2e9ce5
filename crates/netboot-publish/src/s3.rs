//! A bucket of an S3-compatible object store.

mod abandoned;
mod batch;
mod bounded_body;
mod builder;
mod client;
mod conditional_put;
mod connect;
mod connector;
mod credentials;
mod deletion;
mod endpoint;
mod error;
pub(crate) mod failure;
mod key;
mod lease;

mod listing;
mod look;
mod object;
pub(crate) mod page;
mod pages;
mod probe;
mod redirect;
mod send;
mod server_memory;
mod settings;
mod spans;
mod store;
mod swap;
mod target;
mod urls;

pub use self::builder::S3StoreBuilder;
pub use self::credentials::{S3CredentialProvider, S3Credentials, S3Keys};
pub use self::failure::S3Failure;
pub use self::store::S3Store;
