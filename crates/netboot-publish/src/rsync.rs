//! A directory of another machine, through `rsync`.

mod arguments;
mod builder;
mod connection;
pub(crate) mod failure;
mod known_directories;
pub(crate) mod listing;
mod look;
mod new_directories;
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
