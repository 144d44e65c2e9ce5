//! A repository of a registry that speaks the OCI distribution API.

mod answer;
pub(crate) mod artifact;
mod authorization;
mod blob;
mod blob_memory;
mod builder;
mod client;
mod credentials;
mod error;
pub(crate) mod failure;
mod file;
mod index;
mod login;
mod look;
mod manifest_json;
mod manifests;
mod objects;
mod part;
mod reading;
mod reference;
mod referrers;
pub(crate) mod request_error;
mod send;
mod settings;
mod store;
mod swap;
mod tag;
mod target;
mod tidy;
mod writing;

pub use self::builder::OciStoreBuilder;
pub use self::credentials::{OciCredentials, OciLogin};
pub use self::failure::OciFailure;
pub use self::request_error::OciError;
pub use self::store::OciStore;
