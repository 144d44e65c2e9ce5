//! A directory of another machine, through `rsync`.

mod arguments;
mod builder;
mod connection;
mod directories;
pub(crate) mod failure;
pub(crate) mod listing;
mod look;
mod order;
mod progress;
mod reading;
mod record;
mod session;
mod settings;
mod ssh_config;
mod staging;
mod store;
mod target;
mod timestamp;
mod version;
mod work_directory;
mod writing;

pub use self::builder::RsyncStoreBuilder;
pub use self::failure::{RsyncFailure, RsyncFailureKind};
pub use self::store::RsyncStore;
pub use self::target::RsyncTarget;
