//! The options of a disk cache.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The options of a disk cache.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "the caller gives all of them")]
pub struct DiskCacheOptions {
    /// The label of the file system.
    pub label: String,
    /// The greatest size of all blobs together in bytes. Without it, a tenth of the file system
    /// stays free.
    pub budget: Option<u64>,
    /// The time to wait for the disk to appear. Drivers find disks while the boot goes on.
    pub wait: Duration,
    /// The time that the disk may take for one step, before the cache is given up.
    pub patience: Duration,
    /// The program that runs the worker, and its arguments: it calls
    /// [`run`](crate::disk_cache::worker::run).
    pub program: (PathBuf, Vec<OsString>),
}

/// A function that is told, once for each reason, why the cache is of less use than it should be.
pub type Notice = dyn Fn(&str) + Send + Sync;
